"""How sure the suite's classifier is of the rows that it accepted, and of real validation rows.

The former is a score of the stage `verify`. The latter is the same scorer's, of rows that neither
it nor a generator has seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.metrics.protocol import CONFIDENCE
from pipelines.rounds import holdout, parts, plugin_inputs, tables
from pipelines.rounds.arrivals import source_states
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry, scoring
from pipelines.verification import scorer_inputs

VALIDATION: Final = "validation"
COLUMNS: Final = ("confidence", "topic_confidence", "label_probability")
"""Scores that say how sure a classifier of images, texts or tables is; of tables, of the row's own
label."""


def of_round(
    ctx: RoundContext, commit: str, accepted: pl.DataFrame, validation: pl.DataFrame
) -> dict[str, NDArray[np.float64]]:
    """Read and compute the confidence of rows, if a metric of the round reads it.

    The classifier is that of the first scorer of `verify.scorers` which has one.

    Args:
        ctx: the round.
        commit: a commit that holds the scores of its candidates.
        accepted: its accepted samples: round, row.
        validation: round, row and payload of the held-out rows.

    Returns:
        `accepted` and `validation`, without rows that the classifier could not score; nothing where
        no metric asks for it, no scorer has a classifier, or the rows of the round are real.
    """
    wanted = {
        name for each in plugin_inputs.metrics(ctx.round).values() for name in each.plugin.reads
    }
    found = classifier_of(ctx.round.settings.verify.scorers)
    if CONFIDENCE not in wanted or found is None or source_states.is_real(ctx.round):
        return {}
    name, column = found
    dataset, number = ctx.round.dataset, ctx.round.number
    columns = (*tables.OCCURRENCE, column)
    scores = parts.joined(
        parts.blocks(ctx.lake, commit, dataset, "scores", number, columns=columns)
    )
    kept = scores.join(accepted, on=tables.OCCURRENCE, how="semi")
    splits = [split for split in holdout.SPLITS if split != VALIDATION]
    given = scorer_inputs.of_round(ctx, ctx.receipt("fit").commit, splits)
    shown = ctx.round.settings.modality.shown(_numbered(validation))
    own = {name: ctx.round.settings.verify.scorers[name]}
    held = scoring.score_all(own, shown, given)
    return {"accepted": _known(kept, column), VALIDATION: _known(held, column)}


def classifier_of(scorers: Iterable[str]) -> tuple[str, str] | None:
    """Find the first scorer that says how sure a classifier is, and its column.

    Args:
        scorers: names of the scorers of a data set, in order.
    """
    named = ((name, column) for name in scorers for column in registry.load(name).columns)
    return next((each for each in named if each[1] in COLUMNS), None)


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Number held-out rows, since a scorer returns what it is shown by round and row."""
    return rows.drop("round", "row", strict=False).select(
        pl.lit(0, pl.Int32).alias("round"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.all(),
    )


def _known(scores: pl.DataFrame, column: str) -> NDArray[np.float64]:
    return scores[column].drop_nulls().cast(pl.Float64).to_numpy()
