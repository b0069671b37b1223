"""Scores of candidates by the workers of an executor, block by block.

A scorer of rows gives a row the same score in whatever block it stands, so what comes back is what
one process would have computed, in the same order. Those that compare rows, keep all cores busy by
themselves, or ask a service, which has one budget, stay in the process of the stage; so do rounds
of one block, and those that are judged shard by shard as they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake import refs
from lineage import decoded_images, schema
from pipelines.common import console
from pipelines.common.errors import StaleError
from pipelines.common.executors import running
from pipelines.common.executors.settings import chosen
from pipelines.common.executors.task import Task
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generation import shard_worker, work_folder
from pipelines.generation.shard_worker import ShardOrder
from pipelines.modalities import Modality
from pipelines.rounds import parts, stage_inputs
from pipelines.rounds.context import RoundContext, open_context
from pipelines.rounds.keys import StageKey
from pipelines.scorers import registry, scoring
from pipelines.scorers.cache import PLACE
from pipelines.scorers.protocol import EstimatesCost, Given
from pipelines.verification import scorer_inputs

STAGE: Final = "verify"


@dataclass(frozen=True, slots=True, eq=False)
class OpenedBlocks:
    """What a worker needs to score blocks of a round."""

    candidates: pl.LazyFrame
    what: str
    """What they are, for errors."""
    modality: Modality
    scorers: Mapping[str, StrictModel]
    """Settings of the scorers of rows, by name."""
    given: Given


def of_round(ctx: RoundContext, key: StageKey, generated: str) -> dict[str, pl.DataFrame]:
    """Compute the scores that workers can, of the candidates of a generate commit.

    Args:
        ctx: the round.
        key: of its stage `verify`.
        generated: the commit.

    Returns:
        By scorer: round, row and its columns, one row per candidate, in their order. None where
        the executor has no part in the round.

    Raises:
        PipelineError: a block cannot be scored.
    """
    executor = chosen(ctx.params.executor)
    if executor.kind == "local" or ctx.round.accepted is not None:
        return {}
    scorers = scorers_of_rows(ctx)
    spans = list(parts.spans(*_candidates(ctx, generated)))
    if not scorers or len(spans) == 1:
        why = "no scorer judges rows by themselves" if not scorers else "the round is one block"
        console.line(f"{STAGE}: {why}, and the executor {executor.kind} has no part in it")
        return {}
    blocks = [Shard(index, start, stop, 0) for index, (start, stop) in enumerate(spans)]
    with work_folder.marked(PLACE) as folder:
        order = work_folder.order(ctx, key, folder, NoSettings())
        task = Task(opened, score, order)
        whole = executor.model_copy(update={"lost": 0.0})
        made = dict(running.run(task, blocks, whole, STAGE, folder=folder))
    return {name: pl.concat(made[block][name] for block in blocks) for name in scorers}


def scorers_of_rows(ctx: RoundContext) -> dict[str, StrictModel]:
    """The scorers of a round whose work can be shared out, with their settings."""
    asked = ctx.round.settings.verify.scorers
    loaded = {name: registry.load(name) for name in asked}
    return {
        name: registry.settings(name, asked[name])
        for name, scorer in loaded.items()
        if scorer.rowwise and not scorer.uses_all_cores and not isinstance(scorer, EstimatesCost)
    }


def opened(order: ShardOrder) -> OpenedBlocks:
    """Open a round in a worker's process.

    Raises:
        StaleError: settings or files are others than when the stage began.
    """
    shard_worker.enter(order)
    ctx = open_context(order.round)
    made = ctx.receipt("generate")
    if stage_inputs.key(ctx.round, STAGE, made.key).key != order.key:
        raise StaleError(shard_worker.CHANGED.format(stage=STAGE))
    candidates, what = _candidates(ctx, made.commit)
    given = scorer_inputs.of_round(ctx, ctx.receipt("fit").commit)
    modality = ctx.round.settings.modality
    return OpenedBlocks(candidates, what, modality, scorers_of_rows(ctx), given)


def score(own: OpenedBlocks, block: Shard) -> dict[str, pl.DataFrame]:
    """Score a block: its scores, by scorer.

    Raises:
        DataError: a scorer reads a column that is not there.
    """
    with schema.readable(own.what):
        rows = own.candidates.slice(block.start, len(block.rows)).collect()
    shown = own.modality.shown(rows)
    with decoded_images.kept(PLACE.parent):
        return {
            name: scoring.score(name, settings, shown, own.given)
            for name, settings in own.scorers.items()
        }


def _candidates(ctx: RoundContext, commit: str) -> tuple[pl.LazyFrame, str]:
    """The candidates of a round, and what they are, for errors."""
    dataset, number = ctx.round.dataset, ctx.round.number
    what = f"candidates of round {number} of {dataset} at {commit}"
    return ctx.lake.scan(commit, refs.partition(dataset, "candidates", number)), what
