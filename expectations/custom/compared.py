"""Base class of expectations that compare a figure of candidates with that of real rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import polars as pl

from expectations import gx
from expectations.custom.table import LIMITS, Bounded, Finding, to_compare, within
from expectations.measures import null
from expectations.measures.null import Array, Comparison, Side

VERSION: Final = "compared/1"
"""Raised when the verdicts change for equal input."""

NULL_LIMITS: Final = LIMITS[2:]
"""Limits that refer to real rows in place of candidates."""


class Compared(Bounded, ABC):
    """An expectation that compares a figure with its real-versus-real null.

    Args:
        min_value: the least figure that passes.
        max_value: the largest figure that passes.
        min_ratio: the least ratio of the figure to the mean of its null.
        max_ratio: the largest such ratio.
        min_p_value: the least chance that real rows have a figure as bad.
        against: the name of the rows that are compared with.
        draws: of the null; 1/(draws + 1) is the least p-value.
        max_rows: rows of either side that are used; of more, as many are drawn.
        seed: of what is drawn.
    """

    min_ratio: float | None = gx.Field(default=None, ge=0)
    max_ratio: float | None = gx.Field(default=None, gt=0)
    min_p_value: float | None = gx.Field(default=None, gt=0, lt=1)
    against: str = "real"
    draws: int = gx.Field(default=200, ge=2, le=100_000)
    max_rows: int = gx.Field(default=5000, ge=20, le=1_000_000)
    seed: int = gx.Field(default=0, ge=0)

    worse: ClassVar[Side] = "high"
    """Which figures are worse than those of real rows: high, low, or both."""

    @gx.root_validator(skip_on_failure=True)
    def _can_fail(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  pydantic makes it a class method
        level, draws = values["min_p_value"], values["draws"]
        least = (2 if cls.worse == "both" else 1) / (1 + draws)
        if level is not None and level <= least:
            raise ValueError(
                f"of {draws} draws no p-value is below {least:.2g}; raise 'draws' or 'min_p_value'"
            )
        return values

    @abstractmethod
    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compute the figure and its null."""

    def with_null(
        self,
        figure: Callable[[Array, Array], float],
        candidates: Array,
        real: Array,
        *,
        even: bool = False,
    ) -> Comparison:
        """Compute a figure and its null, as `null.compare` with the expectation's own settings."""
        return null.compare(
            figure,
            candidates,
            real,
            draws=self.draws,
            max_rows=self.max_rows,
            seed=self.seed,
            even=even,
        )

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:
        """Compute the figure and its null, and apply the limits."""
        comparison = self.compare(candidates, to_compare(reference))
        chance = comparison.p_value(self.worse)
        success = (
            self.within(comparison.value)
            and within(comparison.ratio, self.min_ratio, self.max_ratio)
            and within(chance, self.min_p_value, None)
        )
        facts: dict[str, float | str] = {
            "of real rows": float(comparison.null.mean()),
            "ratio": comparison.ratio,
            "p": chance,
            "candidates": comparison.candidates,
            "real rows": comparison.real,
        }
        return Finding(success, comparison.value, facts)
