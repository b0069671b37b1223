"""Base class of the expectations of coverage and recall."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import polars as pl

from expectations import gx
from expectations.custom.compared import Compared
from expectations.measures import points
from expectations.measures.null import Comparison, Side
from expectations.measures.points import Points

VERSION: Final = "overlap/1"
"""Raised when the verdicts change for equal input."""


class Overlap(Compared, ABC):
    """An expectation about the share of real rows that the candidates reach.

    It compares as many candidates with as many real rows; the null compares real rows alone.
    Its arguments are those of `Compared`, and `column_list`: columns of numbers, image files or
    lists of numbers, each scaled by the real rows.
    """

    column_list: list[str] = gx.Field(min_items=1)
    draws: int = gx.Field(default=40, ge=2, le=10_000)
    max_rows: int = gx.Field(default=500, ge=20, le=5000)

    worse: ClassVar[Side] = "low"
    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "min_value", "min_ratio", "min_p_value")

    @staticmethod
    @abstractmethod
    def figure(candidates: Points, real: Points) -> float:
        """Compute the share of real points that the candidates reach."""

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare k candidates with k real rows, and real rows with real rows."""
        ours, theirs = points.points(
            candidates, reference, self.column_list, max_rows=self.max_rows, seed=self.seed
        )
        return self.with_null(self.figure, ours, theirs, even=True)
