"""`expect_column_total_variation_to_be_between`: a column has the shares of real rows."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import polars as pl

from expectations import gx
from expectations.custom.compared import Compared
from expectations.custom.table import drawn, values
from expectations.measures import distributions, null
from expectations.measures.null import Comparison

VERSION: Final = "total_variation/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnTotalVariationToBeBetween(Compared):
    """Expect the values of a column to have the shares that they have in the real rows.

    The observed value is the total variation distance, half the sum of the gaps between the two
    shares of each value, in [0, 1]: the share of rows that would have to change their value.

    Args:
        column: of classes; or of numbers, with `bins`.
        bins: numbers are sorted into as many bins, each with the same share of the real rows; not
            given: each value counts by itself.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`.
    """

    column: str
    bins: int | None = gx.Field(default=None, ge=2, le=1000)

    args_keys: ClassVar[tuple[str, ...]] = ("column", "max_value", "max_ratio", "min_p_value")
    sentence: ClassVar[str] = "The shares of $column must be close to those of real rows"
    phrases: ClassVar[dict[str, str]] = {"bins": "in $bins bins", **Compared.phrases}

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare k candidates with m − k real rows, and real rows with real rows."""
        if self.bins is None:
            classes = [
                drawn(frame[self.column], rows, self.seed).cast(pl.String)
                for frame, rows in ((candidates, self.max_rows), (reference, 2 * self.max_rows))
            ]
            numbers = pl.concat(classes).rank("dense").to_numpy().astype(np.int64) - 1
            ours, theirs = np.split(numbers, [len(classes[0])])
        else:
            real = values(reference, self.column).to_numpy()
            null.sizes(len(candidates), len(real), self.max_rows)
            bin_of = distributions.binned(real, self.bins)
            ours, theirs = bin_of(values(candidates, self.column).to_numpy()), bin_of(real)
        kinds = 1 + int(max(ours.max(initial=0), theirs.max(initial=0)))
        return self.with_null(
            lambda left, right: distributions.total_variation(
                *(np.bincount(side, minlength=kinds) for side in (left, right))
            ),
            ours,
            theirs,
        )
