"""`expect_classifier_two_sample_accuracy_to_be_between`: nothing tells candidates from real."""

from __future__ import annotations

from typing import ClassVar, Final

import polars as pl

from expectations import gx
from expectations.custom.table import PHRASES, Bounded, Finding, to_compare
from expectations.measures import points, twosample

VERSION: Final = "two_sample/1"
"""Raised when the verdicts change for equal input."""


class ExpectClassifierTwoSampleAccuracyToBeBetween(Bounded):
    """Expect no classifier to tell candidates from real rows (C2ST, Lopez-Paz & Oquab 2017).

    The observed value is the accuracy on held-out rows of a classifier that learnt which rows are
    real; 0.5 is chance. Without a difference, it follows N(1/2, 1/(4n)) over n held-out rows. Far
    below 0.5, candidates are copies of real rows, since the twin of a held-out row was taught as
    the other kind; `min_value` bounds that.

    Args:
        column_list: of numbers, image files or lists of numbers, each scaled by the real rows.
        min_value: the least accuracy that passes.
        max_value: the largest accuracy that passes.
        min_p_value: the least chance of such an accuracy without a difference.
        classifier: forest, neighbours or logistic.
        against: the name of the rows that are compared with.
        max_rows: rows of either kind that are used; of more, as many are drawn.
        seed: of what is drawn.
    """

    column_list: list[str] = gx.Field(min_items=1)
    min_p_value: float | None = gx.Field(default=None, gt=0, lt=1)
    classifier: twosample.Kind = "forest"
    against: str = "real"
    max_rows: int = gx.Field(default=2000, ge=twosample.MIN_ROWS, le=100_000)
    seed: int = gx.Field(default=0, ge=0)

    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "max_value", "min_p_value")
    sentence: ClassVar[str] = "A classifier must not tell $column from those of real rows"
    phrases: ClassVar[dict[str, str]] = {
        **PHRASES,
        "classifier": "classifier $classifier",
        "min_value": "accuracy at least $min_value",
        "max_value": "accuracy at most $max_value",
        "min_p_value": "no better than chance at level $min_p_value",
    }

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:
        """Train a classifier, and compute its held-out accuracy."""
        rows = to_compare(reference)
        ours, theirs = points.points(
            candidates, rows, self.column_list, max_rows=self.max_rows, seed=self.seed
        )
        result = twosample.two_sample(
            ours, theirs, self.classifier, max_rows=self.max_rows, seed=self.seed
        )
        likely = self.min_p_value is None or result.p_value >= self.min_p_value
        facts = {"p": result.p_value, "held-out rows": result.rows}
        return Finding(self.within(result.accuracy) and likely, result.accuracy, facts)
