"""Guidelines of reviewers: rendered from Markdown, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.params import Params
from review.ui import guidelines

TEXT = """# Digits

Reject *smears*; see [the paper](https://example.org/a?b=1&c="2").

| label | looks like |
|---|---|
| 1 | a stroke |

<script>alert(1)</script> <b onclick="x()">bold</b>
[click](javascript:alert(1)) [data](data:text/html;base64,PHNjcmlwdD4=) ![a](https://example.org/i.png)
"""


def params(name: str) -> Params:
    dataset = {
        "identity": ["image"],
        "ingest": {"source": "digits.py"},
        "review": {"guidelines": name},
    }
    return Params.model_validate({"datasets": {"digits": dataset}})


def rendered(name: str) -> str:
    found = guidelines.of_dataset(params(name), "digits")
    assert found is not None
    return str(found)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_markdown_becomes_html_and_html_becomes_text(project: Path) -> None:
    (project / "guide.md").write_text(TEXT, encoding="utf-8")
    shown = rendered("guide.md")
    for part in ("<h1>Digits</h1>", "<em>smears</em>", "<td>a stroke</td>"):
        assert part in shown
    assert '<a href="https://example.org/a?b=1&amp;c=%222%22">the paper</a>' in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    for part in ("<script", "<b ", "<img", 'href="javascript', 'href="data'):
        assert part not in shown


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.md", "is not there"),
        ("../other.md", "is not in this project"),
        ("/etc/passwd", "is not in this project"),
        ("link.md", "is not in this project"),
        ("bytes.md", "is no text"),
        ("large.md", "the limit is 262,144"),
    ],
)
def test_what_cannot_be_shown_is_said(project: Path, name: str, says: str) -> None:
    (project.parent / "other.md").write_text("secret", encoding="utf-8")
    (project / "link.md").symlink_to(project.parent / "other.md")
    (project / "bytes.md").write_bytes(b"\xff\xfe")
    (project / "large.md").write_text("x" * ((1 << 18) + 1), encoding="utf-8")
    shown = rendered(name)
    assert says in shown
    assert "secret" not in shown


def test_without_the_setting_there_are_none() -> None:
    dataset = {"identity": ["image"], "ingest": {"source": "digits.py"}}
    bare = Params.model_validate({"datasets": {"digits": dataset}})
    assert guidelines.of_dataset(bare, "digits") is None
