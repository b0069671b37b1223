"""`expect_column_kolmogorov_smirnov_to_be_between`: a column is distributed as in real rows."""

from __future__ import annotations

from typing import ClassVar, Final

import polars as pl

from expectations.custom.compared import Compared
from expectations.custom.table import values
from expectations.measures import distributions
from expectations.measures.null import Comparison

VERSION: Final = "kolmogorov_smirnov/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnKolmogorovSmirnovToBeBetween(Compared):
    """Expect a column of numbers to be distributed as in the real rows.

    The observed value is the Kolmogorov–Smirnov statistic: the largest gap between the two
    distribution functions, in [0, 1]. It sees any shift of the bulk, and little of the tails.

    Args:
        column: of numbers.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`.
    """

    column: str

    args_keys: ClassVar[tuple[str, ...]] = ("column", "max_value", "max_ratio", "min_p_value")
    sentence: ClassVar[str] = (
        "The Kolmogorov–Smirnov distance of $column from real rows must be small"
    )

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare k candidates with m − k real rows, and real rows with real rows."""
        return self.with_null(
            distributions.kolmogorov_smirnov,
            values(candidates, self.column).to_numpy(),
            values(reference, self.column).to_numpy(),
        )
