"""Leaks by content: samples that are a held-out row, whatever the lake says of them.

The ids of samples and of held-out rows are computed from their payload and joined, so the cost is
linear in the rows; samples are read in blocks, so memory does not follow their payload.
"""

from __future__ import annotations

import polars as pl

from lake import refs
from lineage.identity import sample_ids
from pipelines.gate.stored_leaks import of_dataset
from pipelines.rounds import parts, round_holdout
from pipelines.rounds.context import RoundContext
from pipelines.rounds.holdout import HeldOut


def of_round(ctx: RoundContext, commit: str) -> pl.DataFrame:
    """The accepted samples of the current round that equal a held-out row; as `of_samples`."""
    prefix = refs.partition(ctx.round.dataset, "samples", ctx.round.number)
    return of_samples(round_holdout.open_at(ctx, commit), ctx.lake.scan(commit, prefix))


def of_samples(held_out: HeldOut, samples: pl.LazyFrame) -> pl.DataFrame:
    """Find the samples whose content is that of a held-out row.

    Args:
        held_out: the hold-out of their data set.
        samples: round, row and payload.

    Returns:
        The leaks, with the columns `pipelines.gate.stored_leaks.COLUMNS`.

    Raises:
        StaleError: the hold-out is not the one that round 0 names.
        SchemaError: the samples cannot be read.
    """
    dataset, identity = held_out.named.dataset, held_out.named.identity
    rows = samples.select("round", "row", *identity)
    held_ids = held_out.fingerprints().select("sample_id").unique()
    equal = pl.concat(
        block.select("round", "row", sample_ids(block, identity)).join(
            held_ids, on="sample_id", how="semi", maintain_order="left"
        )
        for block in parts.cut(rows, f"the samples of {dataset}")
    )
    return of_dataset(dataset, equal.with_columns(equal=pl.lit(value=True), distance=pl.lit(0.0)))
