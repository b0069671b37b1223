"""What a take-down has made again: `dvc repro` from its policy to a published round."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pipelines.rounds import tables
from pipelines.takedown import record
from tests.flow.projects import HERE, Project, copy, tiny
from tests.programs_server import ACCOUNTED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("programs")]


@pytest.fixture(scope="module")
def two_rounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rounds of images with noise, made by `dvc repro`, which names parents."""
    project = tiny(tmp_path_factory.mktemp("again") / "project", rounds=2)
    shutil.copy2(HERE / "noisy.py", project.root / "noisy.py")

    def generators(content: dict[str, dict[str, dict[str, object]]]) -> None:
        for number in (1, 2):
            content["rounds"][f"tiny-{number}"]["generator"] = "noisy.py"

    project.edit(generators)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *words], cwd=project.root, check=True)
    with contextlib.chdir(project.root):
        project.all(2)
        done = project.program("dvc", "repro")
        assert done.code == 0, done.said
    project.stop_lake()
    return project.root


@pytest.fixture
def project(two_rounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    found = copy(two_rounds, tmp_path / "project")
    monkeypatch.chdir(found.root)
    yield found
    found.drop_lake()


def ran(said: str) -> set[str]:
    """The stages of rounds that a `dvc repro` ran, without those that always run."""
    names = (line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage"))
    return {name for name in names if name.rpartition("-")[2].isdigit()}


@pytest.mark.parametrize("policy", [{"direct": "regenerate"}, {"indirect": "refit"}])
def test_rounds_are_made_again_and_published(project: Project, policy: dict[str, str]) -> None:
    lake = project.lake()
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 1)
    parents = lineage.explode("parents").unnest("parents", separator=":")
    row = parents.filter(pl.col("parents:round") == 0)["parents:row"][0]
    real = tables.read_round(lake, "main", "tiny", "samples", 0).filter(pl.col("row") == row)
    word = real["sample_id"][0].hex()
    project.edit(lambda content: content["datasets"]["tiny"].update(takedown=policy))
    done = project.stemma("takedown", word, "--reason", "they asked", "--name", "letter")
    assert done.code == 0, done.said
    assert "`dvc repro` makes tiny again from round 1 on" in done.out
    made = project.program("dvc", "repro")
    assert made.code == 0, made.said
    stages = ("fit", "generate", "verify", "curate", "evaluate", "publish")
    assert ran(made.said) == {f"{stage}@tiny-{number}" for stage in stages for number in (1, 2)}
    published = {
        number: json.loads(Path(f"rounds/tiny/{number}/publish.json").read_text())
        for number in (1, 2)
    }
    assert [each["tag"] for each in published.values()] == ["tiny-v1.1", "tiny-v2.1"]
    lines = Path(os.environ[ACCOUNTED]).read_text().splitlines()
    elsewhere = {line.split()[1] for line in lines if line.split()[0] != str(os.getpid())}
    assert elsewhere >= {"tiny-1", "tiny-2"}, "their rows are accounted for where they are made"
    gone = record.rows(lake, "main", "letter").filter(pl.col("round") == 0)
    for number in (1, 2):
        mix = pl.read_parquet(f"models/tiny/{number}/mix.parquet")
        assert mix.join(
            gone.cast({"round": mix.schema["round"]}), on=["round", "row"], how="semi"
        ).is_empty()
        again = tables.read_round(lake, "main", "tiny", "lineage", number)
        said = again.explode("parents").unnest("parents", separator=":")
        below = said.filter((pl.col("parents:round") == 0) & (pl.col("parents:row") == row))
        assert below.is_empty(), "no row that was made again is made from what went"
    for what in ("--history", "--recompute"):
        audited = project.stemma("audit", what, "main")
        assert audited.code == 0, audited.said
    again = project.program("dvc", "repro")
    assert again.code == 0, again.said
    assert not ran(again.said), "nothing is left to do"
