"""`expect_rows_recall_to_be_between`: each real row is among what the generator can make."""

from __future__ import annotations

from typing import ClassVar, Final

from expectations.custom.overlap import Overlap
from expectations.measures import manifold
from expectations.measures.points import Points

VERSION: Final = "recall/1"
"""Raised when the verdicts change for equal input."""


class ExpectRowsRecallToBeBetween(Overlap):
    """Expect the real rows to lie among the candidates (Kynkäänniemi et al. 2019, eq. 1, 2).

    The observed value is the share of real rows that lie in the ball of a candidate, which reaches
    to the third neighbour among the candidates. Outliers among the candidates have wide balls and
    raise it, which coverage does not reward (Naeem et al. 2020).

    The arguments are those of `Overlap`.
    """

    sentence: ClassVar[str] = "By $column, the real rows must lie among the candidates"

    @staticmethod
    def figure(candidates: Points, real: Points) -> float:
        """Compute the recall of real points, [n, d], by candidates, [n, d]."""
        return manifold.recall(real, candidates)
