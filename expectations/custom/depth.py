"""`expect_column_depth_to_be_between`: how many generations a round is from real data."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import polars as pl

from expectations import gx
from expectations.custom.table import PHRASES, Bounded, Finding, values
from expectations.errors import CannotJudge

VERSION: Final = "depth/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnDepthToBeBetween(Bounded):
    """Expect a round to be few generations from real data.

    The observed value is the mean depth of the candidates, or a quantile of it, in generations;
    real data has 0. The depth of a candidate is in its lineage: column `depth_mean`, the mean
    length of the walks back to real samples, or `depth_max`. A candidate from which no walk ends at
    a real sample has none, and a round with such candidates cannot be judged.

    Args:
        column: of depths.
        quantile: which quantile counts, 1 for the deepest candidate; not given: the mean.
        min_value: the least depth that passes.
        max_value: the largest depth that passes.
    """

    column: str
    quantile: float | None = gx.Field(default=None, ge=0, le=1)

    args_keys: ClassVar[tuple[str, ...]] = ("column", "quantile", "min_value", "max_value")
    sentence: ClassVar[str] = "The distance from real data in generations, $column, must be right"
    phrases: ClassVar[dict[str, str]] = {
        "quantile": "at quantile $quantile",
        **{name: PHRASES[name] for name in ("min_value", "max_value")},
    }

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:  # noqa: ARG002  it needs none
        """Compute the mean or the quantile of the depths."""
        depths = values(candidates, self.column).to_numpy()
        lacking = len(candidates) - len(depths)
        if lacking:
            raise CannotJudge(
                f"{lacking} of {len(candidates)} candidates have no {self.column}: no walk back "
                "from them ends at real data"
            )
        if float(depths.min()) < 0:
            raise CannotJudge(f"column {self.column!r} holds numbers that are no depths")
        seen = depths.mean() if self.quantile is None else np.quantile(depths, self.quantile)
        return Finding(self.within(float(seen)), float(seen), {"deepest": float(depths.max())})
