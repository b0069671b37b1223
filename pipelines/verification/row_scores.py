"""Scores of rows for a generator that chooses among what it makes.

A generator names a column; the scorer under `verify.scorers` that gives it must judge each row by
itself, so that the choice does not depend on what else is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import polars as pl

from pipelines.common.errors import ProjectError
from pipelines.common.settings import nearest
from pipelines.generators.registry import GENERATORS
from pipelines.params import Round
from pipelines.rounds import kept_columns
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry, scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import scorer_inputs

Score = Callable[[str, pl.DataFrame], pl.Series]


def wanted(round_: Round) -> str | None:
    """The column by which a round's generator chooses; None: it does not."""
    own = round_.settings.generate.of(round_.generator)
    return GENERATORS.load(round_.generator).scored_by(own)


def check(round_: Round) -> None:
    """Check that a scorer gives the column by which a round's generator chooses.

    Raises:
        ProjectError: none does, or it judges rows beside others.
    """
    column = wanted(round_)
    if column is not None:
        scorer_of(round_, column)


def scorer_of(round_: Round, column: str) -> str:
    """Find the scorer that gives a column.

    Raises:
        ProjectError: as `check`.
    """
    by_column = {
        name: scorer
        for scorer in round_.settings.verify.scorers
        if registry.load(scorer).rowwise
        for name in registry.load(scorer).columns
    }
    if column not in by_column:
        raise ProjectError(
            f"best_of.score: no scorer under verify.scorers that judges each row by itself gives "
            f"the column {column!r}{nearest(column, by_column)}; add one, or name another column"
        )
    return by_column[column]


def score(ctx: RoundContext, pinned: str | None = None) -> Score:
    """Make what scores rows like candidates by a column, as `GenerateRequest.score`.

    Args:
        ctx: the round.
        pinned: commit whose real rows scorers see; None: the one that was fitted on.
    """

    @lru_cache(maxsize=1)
    def inputs() -> Given:
        return scorer_inputs.of_round(ctx, pinned or ctx.receipt("fit").commit)

    def scored(column: str, candidates: pl.DataFrame) -> pl.Series:
        name = scorer_of(ctx.round, column)
        settings = registry.settings(name, ctx.round.settings.verify.scorers[name])
        shown = ctx.round.settings.modality.shown(kept_columns.table(ctx, candidates, pinned))
        return scoring.score(name, settings, shown, inputs())[column].cast(pl.Float64)

    return scored
