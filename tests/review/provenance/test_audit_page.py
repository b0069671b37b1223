"""The page of a sheet: it shows what was drawn and nothing that a generator wrote can act in it."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.visible import visible
from pipelines.features import images
from review.provenance import page as audit_page
from tests.lake.test_visible import hidden

NASTY = '</pre><script>alert(1)</script>&amp;"'


class Elements(HTMLParser):
    """Tags with their attributes, and the text within `pre`."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "pre":
            self.texts.append(data)


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


def drawn(**columns: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "round": pl.Series([3, 3], dtype=pl.Int32),
            "row": [4, 9],
            "sample_id": [b"\x01" * 32, b"\x02" * 32],
            "asked": ["7", '"><b>'],
            **columns,
        }
    )


def test_texts_are_escaped_and_scripts_are_the_pages_own() -> None:
    page = audit_page.page(drawn(text=pl.Series([NASTY, "plain"])), "a <b>", "x</script>.csv")
    elements = parsed(page)
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert elements.texts[0] == NASTY
    assert "x</script>" not in page
    articles = [attributes for tag, attributes in elements.tags if tag == "article"]
    assert [article["data-row"] for article in articles] == ["4", "9"]
    escaped = '"asked": ["7", "\\"><b>"]'.replace("<", "\\u003c").replace(">", "\\u003e")
    assert escaped in page
    assert [article["data-sample"] for article in articles] == ["01" * 32, "02" * 32]


def test_what_does_not_print_is_shown_as_marks_and_saved_as_it_is() -> None:
    raw = "\x1b]0;t\x07\0\x7f\x9b\u202e\u2028\n\ue000<"
    frame = drawn(**{f"text {raw}": pl.Series([raw, "plain"])}).with_columns(asked=pl.lit(raw))
    page = audit_page.page(frame, f"title {raw}", f"{raw}.csv")
    assert not hidden(page, but="\n\t")
    assert not hidden(html.unescape(page), but="\n\t")
    assert html.escape(visible(f"text {raw}", lines=True)) in page
    (attributes,) = re.findall(r"^const about = (.*);$", page, re.MULTILINE)
    assert json.loads(attributes)["asked"] == [raw, raw]
    assert "<" not in attributes


def test_images_are_written_anew_and_broken_ones_are_said() -> None:
    (good,) = images.encode(np.full((1, 8, 8), 9, dtype=np.uint8))
    rows = [{"bytes": good + b"<script>", "path": None}, {"bytes": b"GIF89a", "path": None}]
    page = audit_page.page(drawn(image=pl.Series(rows, dtype=images.IMAGE)), "t", "t.csv")
    assert page.count("data:image/png;base64,") == 1
    assert page.count("cannot be shown as an image") == 1


@pytest.mark.parametrize("word", ["kept", "passed", "failed", "refused", "critical", "http"])
def test_a_person_is_blind_to_verdicts_and_the_page_loads_nothing(
    tmp_path: Path, word: str
) -> None:
    path = audit_page.write(tmp_path / "s.csv", drawn(text=pl.Series(["a", "b"])), "digits", 3)
    page = path.read_text(encoding="utf-8")
    assert word not in page.replace("http-equiv", "").replace("not kept", "").replace(
        "nothing kept", ""
    )
    assert "default-src 'none'" in page
    assert "light dark" in page
