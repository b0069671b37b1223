"""From files of one's own to a published round: init, dataset add, run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipelines import params
from pipelines.rounds import receipts, stage_inputs
from tests.flow import tiny
from tests.flow.projects import Project


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    project = Project(tmp_path / "own")
    project.root.mkdir()
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


def added(project: Project) -> None:
    """Make a project and add a data set, and let its generator learn for a moment only."""
    assert project.stemma("init").code == 0
    tiny.load().write_parquet(project.root / "tiny.parquet")
    done = project.stemma("dataset", "add", "tiny", "tiny.parquet", "--licence", tiny.LICENCE)
    assert done.code == 0, done.said
    fast = {"channels": [8, 16], "steps": 250, "reference_rows": 100, "batch": 16}
    project.edit(lambda found: found["datasets"]["tiny"]["fit"].update(diffusion=fast))


@pytest.mark.slow  # texts at these limits are published every day, in test_file_rounds.py
def test_a_round_is_published_at_the_limits_that_were_written(own: Project) -> None:
    added(own)
    own.all(1)
    state = json.loads(own.stemma("status", "--json").out)["datasets"]["tiny"]["rounds"][1]
    assert (state["state"], state["tag"]) == ("published", "tiny-v1")
    assert state["counts"]["accepted"] > 0


def test_a_folder_that_an_earlier_release_read_with_its_junk_is_adopted(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(own)
    folder = own.root / "tiny"
    folder.mkdir()
    (own.root / "tiny.parquet").rename(folder / "part.parquet")
    (folder / ".DS_Store").write_bytes(b"left behind")
    own.edit(lambda found: found["datasets"]["tiny"]["ingest"].update(source="tiny"))
    key = stage_inputs.ingest_key
    with monkeypatch.context() as earlier:
        earlier.setattr(stage_inputs, "ingest_key", partial(key, junk=True))
        own.run("lake", "")
        own.run("ingest", "tiny")
    first = receipts.read("tiny", 0, "publish")
    assert first.input_key != key("tiny", params.load().datasets["tiny"]).key
    own.run("ingest", "tiny")
    assert receipts.read("tiny", 0, "publish").commit == first.commit


@pytest.mark.slow  # the stages in processes of their own
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("programs")
def test_one_command_runs_a_data_set_and_says_what_to_look_at(own: Project) -> None:
    added(own)
    done = own.program("stemma", "run", "tiny")
    assert done.code == 0, done.said
    assert "stemma diff tiny-v0 tiny-v1" in done.out
    assert "running `dvc repro report@tiny`" in done.err
