"""Images with marks of generators among real rows: counted by ingest, said by status, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake import refs
from pipelines import params
from pipelines.common.errors import DataError
from pipelines.rounds import manifest, stage_inputs
from tests.flow.projects import Project, tiny

MARKED = """

from pipelines.features.image_marks import writing

unmarked = load

def load() -> pl.DataFrame:
    frame = unmarked()
    rows = frame["image"].to_list()
    for row in (3, 5):
        rows[row]["bytes"] = writing.mark(rows[row]["bytes"], "trainedAlgorithmicMedia")
    return frame.with_columns(pl.Series("image", rows, dtype=images.IMAGE))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = tiny(tmp_path / "project")
    monkeypatch.chdir(made.root)
    yield made
    made.drop_lake()


def test_they_are_counted_said_and_refused_on_demand(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    source = project.root / "tiny.py"
    source.write_text(source.read_text(encoding="utf-8") + MARKED, encoding="utf-8")
    project.run("lake", "")
    project.edit(lambda found: policy(found, "refuse"))
    with pytest.raises(DataError, match="2 of 160 images have marks of generators"):
        project.run("ingest", "tiny")
    project.edit(lambda found: policy(found, "warn"))
    project.run("ingest", "tiny")
    assert "2 of 160 images have marks of generators (iptc_synthetic 2)" in capfd.readouterr().err
    report = json.loads((project.root / "rounds/tiny/0/ingest.json").read_text(encoding="utf-8"))
    stored = manifest.read(project.lake(), refs.MAIN, "tiny", 0)["ingest"]["marks"]
    assert stored == report["marks"]
    assert (stored["images"], stored["generated"]) == (160, 2)
    assert stored["examples"] == ["image of row 3", "image of row 5"]
    status = project.stemma("status").out
    assert "set ingest.marked to keep" in " ".join(status.split())
    entry = json.loads(project.stemma("status", "--json").out)["datasets"]["tiny"]["rounds"][0]
    assert entry["ingest"]["marks"]["counts"] == {"iptc_synthetic": 2}


def test_the_default_is_not_in_the_key(project: Project) -> None:
    before = key()
    project.edit(lambda found: policy(found, "warn"))
    assert key() == before
    project.edit(lambda found: policy(found, "refuse"))
    assert key() != before


def policy(found: dict[str, Any], name: str) -> None:
    found["datasets"]["tiny"]["ingest"]["marked"] = name


def key() -> str:
    return stage_inputs.ingest_key("tiny", params.load().datasets["tiny"]).key
