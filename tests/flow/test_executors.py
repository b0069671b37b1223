"""The same round by every executor, row for row, whatever the number of its workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.common.errors import StaleError
from pipelines.generation import round_making
from pipelines.rounds import tables
from tests import needs
from tests.flow.executed import KEY, digest, fitted, made_by, opened, shard_folders
from tests.flow.projects import Project
from tests.flow.talk import talk

ONE = {"kind": "processes", "workers": 1}
TWO = {"kind": "processes", "workers": 2}


@pytest.mark.parametrize(
    ("generator", "generate"),
    [
        pytest.param("./noisy.py", {"candidates": 9, "shard_rows": 2}, id="plug-in"),
        pytest.param("diffusion", {}, id="diffusion", marks=pytest.mark.slow),
        pytest.param(
            "simulate",
            {"simulate": {"function": "stripes.py", "settings": {"contrast": 90}}},
            id="simulate",
            marks=pytest.mark.slow,
        ),
        pytest.param("file", {"file": {"path": "made.parquet"}}, id="file", marks=pytest.mark.slow),
    ],
)
def test_processes_make_what_one_process_makes(
    copied: Project, generator: str, generate: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if generator == "file":
        rows = tables.read_round(copied.lake(), "main", "tiny", "samples", 1)
        rows.select("image", "label").write_parquet("made.parquet")
    fitted(copied, generator, **generate)
    expected = digest(made_by("local", copied))
    assert digest(made_by(TWO, copied)) == expected
    if "slow" in request.node.keywords:
        assert digest(made_by(ONE, copied)) == expected
    assert shard_folders() == []


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Edited texts, fitted; the current directory."""
    project = talk(tmp_path / "project")
    monkeypatch.chdir(project.root)
    edits = {"templates": {"prompt": ["{label}: {prompt}", "{prompt}!"]}, "word_dropout": 0.2}
    project.edit(
        lambda content: content["rounds"]["talk-1"].update(
            generator="augment", generate={"augment": {"text": edits}, "candidates": 11}
        )
    )
    for stage, key in (("lake", ""), ("ingest", "talk"), ("fit", "talk-1")):
        project.run(stage, key)
    yield project
    project.drop_lake()


@pytest.mark.slow
def test_texts_of_the_mix_are_edited_alike_in_processes(texts: Project) -> None:
    made = made_by("local", texts, "talk-1")
    assert made.parents is not None
    assert made.report.facts["methods"]
    expected = digest(made)
    assert digest(made_by(ONE, texts, "talk-1")) == expected
    assert digest(made_by(TWO, texts, "talk-1")) == expected


def test_a_stage_commits_what_processes_made(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(copied, "./noisy.py")
    expected = made_by("local", copied)
    monkeypatch.setenv("STEMMA_EXECUTOR", "processes")
    copied.run("generate", KEY)
    ctx, _ = opened()
    commit = ctx.receipt("generate").commit
    stored = tables.read_round(copied.lake(), commit, "tiny", "candidates", 3)
    assert stored["sample_id"].to_list() == expected.candidates["sample_id"].to_list()
    lineage = tables.read_round(copied.lake(), commit, "tiny", "lineage", 3)
    assert lineage["seed"].to_list() == expected.candidates["seed"].to_list()
    assert shard_folders() == []


@pytest.mark.slow
def test_workers_refuse_a_round_that_was_changed_meanwhile(
    copied: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(copied, "./noisy.py")
    ctx, key = opened()
    monkeypatch.setenv("STEMMA_EXECUTOR", "processes")
    with pytest.raises(StaleError, match="was changed while the stage generate ran"):
        round_making.make(ctx, replace(key, key="0" * 64))
    told = capsys.readouterr().err  # of the shard whose worker looks first
    shards = ("0 of 3 (rows 0 to 9)", "1 of 3 (rows 10 to 19)", "2 of 3 (rows 20 to 29)")
    assert any(f"generate: shard {shard} failed, and the stage ends" in told for shard in shards)


def test_an_executor_that_there_is_not_is_named(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(copied, "./noisy.py")
    monkeypatch.setenv("STEMMA_EXECUTOR", "proceses")
    told = copied.stemma("stage", "generate", KEY)
    assert told.code == 2
    assert "STEMMA_EXECUTOR names no executor: 'proceses'; did you mean 'processes'?" in told.err
    monkeypatch.delenv("STEMMA_EXECUTOR")
    copied.edit(lambda content: content.update(executor="cluster"))
    told = copied.stemma("stage", "generate", KEY)
    assert told.code == 2
    assert "executor.kind" in told.err


@pytest.mark.slow
def test_ray_makes_what_one_process_makes(copied: Project) -> None:
    needs.RAY.check()
    fitted(copied, "./noisy.py", candidates=9, shard_rows=2)
    expected = digest(made_by("local", copied))
    assert digest(made_by({"kind": "ray", "workers": 2}, copied)) == expected
    assert shard_folders() == []
