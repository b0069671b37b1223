"""`expect_column_wasserstein_to_be_between`: a column's values lie where real ones lie."""

from __future__ import annotations

from typing import ClassVar, Final

import polars as pl

from expectations.custom.compared import Compared
from expectations.custom.table import values
from expectations.measures import distributions, null
from expectations.measures.null import Comparison

VERSION: Final = "wasserstein/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnWassersteinToBeBetween(Compared):
    """Expect a column of numbers to lie close to the real rows.

    The observed value is the Wasserstein-1 distance in real interquartile ranges: how far values
    must be moved on average to become real ones, over the middle half of the real values (where
    that is 0, over their standard deviation). It sees how far off outliers are.

    Args:
        column: of numbers.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`; the first two in interquartile ranges.
    """

    column: str

    args_keys: ClassVar[tuple[str, ...]] = ("column", "max_value", "max_ratio", "min_p_value")
    sentence: ClassVar[str] = (
        "The Wasserstein distance of $column from real rows, in real interquartile ranges, "
        "must be small"
    )

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare k candidates with m − k real rows, in real interquartile ranges."""
        real = values(reference, self.column).to_numpy()
        null.sizes(len(candidates), len(real), self.max_rows)
        unit = distributions.spread(real)
        return self.with_null(
            distributions.wasserstein,
            values(candidates, self.column).to_numpy() / unit,
            real / unit,
        )
