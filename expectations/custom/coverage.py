"""`expect_rows_coverage_to_be_between`: near each real row there is a candidate."""

from __future__ import annotations

from typing import ClassVar, Final

from expectations.custom.overlap import Overlap
from expectations.measures import manifold
from expectations.measures.points import Points

VERSION: Final = "coverage/1"
"""Raised when the verdicts change for equal input."""


class ExpectRowsCoverageToBeBetween(Overlap):
    """Expect the candidates to cover the real rows (Naeem et al. 2020, eq. 4).

    The observed value is the share of real rows in whose ball, which reaches to the fifth
    neighbour among the real rows, there is a candidate. Outliers among the candidates do not help.

    The arguments are those of `Overlap`.
    """

    sentence: ClassVar[str] = "By $column, the candidates must cover the real rows"

    @staticmethod
    def figure(candidates: Points, real: Points) -> float:
        """Compute the coverage of real points, [n, d], by candidates, [n, d]."""
        return manifold.coverage(real, candidates)
