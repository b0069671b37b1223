"""The same round by every executor, row for row, whatever the number of its workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import refs
from pipelines.common.errors import StaleError
from pipelines.common.shards import Shard
from pipelines.generation import round_making, scored_blocks
from pipelines.generation.scored_blocks import OpenedBlocks
from pipelines.rounds import parts, stage_inputs, tables
from pipelines.rounds.context import open_context
from pipelines.verification import judging, round_judging, scorer_inputs
from tests import golden, needs
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


@pytest.mark.slow
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


def scored(project: Project, executor: Any) -> tuple[list[str], str]:
    """Score and judge a round anew in blocks of ten rows: what workers scored, and a digest."""
    project.edit(lambda content: content.update(executor=executor))
    shutil.rmtree(".stemma/scores", ignore_errors=True)
    ctx = open_context("tiny-2")
    generated, pinned = (ctx.receipt(stage) for stage in ("generate", "fit"))
    key = stage_inputs.key(ctx.round, "verify", generated.key)
    suite = judging.suite_of("tiny")
    known = scored_blocks.of_round(ctx, key, generated.commit)
    found = round_judging.score(ctx, suite, generated.commit, pinned.commit, known)
    verdicts = pl.concat(found.verdicts(suite)).sort("row", "expectation")  # whatever the blocks
    return list(known), golden.digest_of([found.scores.to_dicts(), verdicts.to_dicts()])


@pytest.fixture
def in_blocks(copied: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose rounds of 24 candidates have three blocks."""
    monkeypatch.setattr(parts, "BLOCK_ROWS", 10)
    return copied


@pytest.mark.usefixtures("in_blocks")
def test_blocks_have_the_scores_that_the_round_has() -> None:
    ctx = open_context("tiny-2")
    commit, suite = ctx.receipt("generate").commit, judging.suite_of("tiny")
    candidates = ctx.lake.scan(commit, refs.partition("tiny", "candidates", 2))
    given = scorer_inputs.of_round(ctx, ctx.receipt("fit").commit)
    scorers = scored_blocks.scorers_of_rows(ctx)
    own = OpenedBlocks(candidates, "it", ctx.round.settings.modality, scorers, given)
    spans = list(parts.spans(candidates, "it"))
    assert spans == [(0, 10), (10, 20), (20, 24)]
    blocks = [scored_blocks.score(own, Shard(0, *span, 0)) for span in spans]
    assert list(scorers) == ["agreement"]
    found = pl.concat(block["agreement"] for block in blocks)
    whole = round_judging.score(ctx, suite, commit, ctx.receipt("fit").commit).scores
    assert found.equals(whole.select(found.columns))
    key = stage_inputs.key(ctx.round, "verify", ctx.receipt("generate").key)
    assert scored_blocks.of_round(ctx, key, commit) == {}


@pytest.mark.slow
@pytest.mark.parametrize("executor", [TWO, {"kind": "ray", "workers": 2}], ids=["processes", "ray"])
def test_rows_are_scored_alike_by_every_executor(
    in_blocks: Project, executor: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    if executor["kind"] == "ray":
        needs.RAY.check()
    none, expected = scored(in_blocks, "local")
    by_workers, found = scored(in_blocks, executor)
    assert (none, by_workers) == ([], ["agreement"])
    assert found == expected
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "BLOCK_ROWS", 100)
        assert scored(in_blocks, executor) == ([], expected)
    assert "verify: the round is one block, and the executor" in capsys.readouterr().err
