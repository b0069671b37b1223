"""The project of docs/plugins.md runs as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.common import plugin_modules
from pipelines.common.plugin_modules import Reference
from pipelines.rounds import manifest, tables
from tests.flow.projects import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"
BLOCK = re.compile(r"^```(python|yaml|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = ("lines", "verse", "swap", "echo", "measures", "topic", "enough")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The page's files; the current directory."""
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        name = text.splitlines()[0].removeprefix("# ")
        place = tmp_path / ("expectations/suites/verses.json" if kind == "json" else name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield Project(tmp_path)
    Project(tmp_path).drop_lake()


def test_the_page_has_one_of_each_kind(project: Project) -> None:
    assert {each.stem for each in (project.root / "plugins").glob("*.py")} == set(KINDS)
    for name in KINDS:
        module = plugin_modules.module_of(Reference.of(f"plugins/{name}.py"), "plug-in")
        assert [
            each for each in plugin_modules.classes(module).values() if hasattr(each, "version")
        ]


@pytest.mark.slow
def test_the_round_of_the_page_is_published(project: Project) -> None:
    project.run("lake", "")
    project.run("ingest", "verses")
    project.round("verses-1")
    lake = project.lake()
    about = manifest.read(lake, "main", "verses", 1)
    checks = {each["name"]: each["verdict"] for each in about["guard"]["checks"]}
    assert checks["enough"] == "pass"
    assert about["metrics"]["task"] == "worth"
    assert about["metrics"]["round"]["words"]["null"] > 0
    rows = tables.read_round(lake, "main", "verses", "lineage", 1)
    assert rows["kind"].unique().to_list() == ["edited"]
    samples = tables.read_round(lake, "main", "verses", "samples", 1)
    assert samples["line"].str.contains(" nor ").all()
