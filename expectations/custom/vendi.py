"""`expect_rows_vendi_score_to_be_between`: the candidates are as different as real rows are."""

from __future__ import annotations

from typing import ClassVar, Final

import polars as pl

from expectations import gx
from expectations.custom.compared import Compared
from expectations.measures import null, points, vendi_score
from expectations.measures.null import Comparison, Side

VERSION: Final = "vendi/1"
"""Raised when the verdicts change for equal input."""


class ExpectRowsVendiScoreToBeBetween(Compared):
    """Expect the candidates to be as many kinds of rows as real ones are (Friedman & Dieng 2023).

    The observed value is the Vendi score, the effective number of different rows, in [1, k] for k
    rows, with a Gaussian kernel as wide as the median distance between real rows. It depends on k,
    so a ratio to real rows says more than a number. Both sides matter: less is collapse, more is
    noise.

    Args:
        column_list: of numbers, image files or lists of numbers, each scaled by the real rows.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`.
    """

    column_list: list[str] = gx.Field(min_items=1)
    draws: int = gx.Field(default=40, ge=2, le=10_000)
    max_rows: int = gx.Field(default=500, ge=20, le=5000)

    worse: ClassVar[Side] = "both"
    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "min_ratio", "max_ratio")
    sentence: ClassVar[str] = "By $column, the candidates must be as diverse as real rows"

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare the score of k candidates with that of k real rows."""
        ours, theirs = points.points(
            candidates, reference, self.column_list, max_rows=self.max_rows, seed=self.seed
        )
        null.sizes(len(ours), len(theirs), self.max_rows)
        wide = vendi_score.kernel_width(theirs)
        return self.with_null(lambda left, _: vendi_score.compute(left, wide), ours, theirs)
