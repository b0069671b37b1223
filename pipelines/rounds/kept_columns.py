"""Columns of the user's that travel with the samples, in tables of candidates.

A generator need not know of them: candidates have null there, in the type that real rows have, so
that all rounds of a data set have the same columns.
"""

from __future__ import annotations

import polars as pl

from lake import refs
from lineage.schema import UNREADABLE
from pipelines.common.errors import GeneratorError
from pipelines.rounds.context import RoundContext


def added(ctx: RoundContext, candidates: pl.DataFrame, pinned: str | None = None) -> pl.DataFrame:
    """Add the kept columns that the generator did not make, and cast those that it did.

    Args:
        ctx: the round.
        candidates: n rows as the generator made them.
        pinned: commit whose real rows give the types; None: the one that was fitted on.

    Raises:
        GeneratorError: the generator made a kept column of a type that does not fit the real rows.
    """
    kept = ctx.round.settings.columns.kept
    if not kept:
        return candidates
    dataset, commit = ctx.round.dataset, pinned or ctx.receipt("fit").commit
    types = ctx.lake.scan(commit, refs.partition(dataset, "samples", 0)).collect_schema()
    for name in kept:
        column = pl.col(name) if name in candidates.columns else pl.lit(None)
        try:
            candidates = candidates.with_columns(column.cast(types[name]).alias(name))
        except UNREADABLE as error:
            raise GeneratorError(
                f"the generator {ctx.round.generator} made column {name!r} as "
                f"{candidates.schema[name]}; the real rows hold {types[name]} there"
            ) from error
    return candidates


def table(ctx: RoundContext, candidates: pl.DataFrame, pinned: str | None = None) -> pl.DataFrame:
    """Return candidates as the lake holds them: round, row, sample_id, payload, kept columns.

    Args:
        ctx: the round.
        candidates: as the generator made them.
        pinned: as `added`.

    Raises:
        GeneratorError: as `added`.
    """
    settings = ctx.round.settings
    columns = [*settings.modality.columns(candidates), *settings.columns.kept]
    number = pl.lit(ctx.round.number, pl.Int32).alias("round")
    return added(ctx, candidates, pinned).select(number, "row", "sample_id", *columns)
