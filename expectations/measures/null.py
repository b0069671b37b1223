"""A figure of candidates against real rows, beside its null: the same figure of real rows.

An absolute figure means little, since it depends on the number of rows. So real rows take the place
of candidates: of m real rows, k are drawn as if they were candidates and compared with the others,
repeatedly. The candidates' figure uses the same two sizes, so that without a difference it is one
more draw of the same kind. That gives a ratio to the mean of the null, and a Monte Carlo p-value
(Davison & Hinkley 1997, eq. 4.11), (1 + draws at least as extreme) / (1 + draws).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from expectations.errors import CannotJudge

VERSION: Final = "null/1"
"""Raised when the figures change for equal input."""

MIN_ROWS: Final = 20
"""Least number of rows on either side."""
EQUAL: Final = 1e-12
"""Tolerance within which figures are equal."""

Array = NDArray[Any]
Side = Literal["high", "low", "both"]
"""Which figures are worse than those of real rows."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of candidates, and its real-versus-real null."""

    value: float
    null: NDArray[np.float64]
    """Figures of real rows in place of candidates, [draws]."""
    candidates: int
    """Number of candidates used."""
    real: int
    """Number of real rows that they were compared with."""

    @property
    def ratio(self) -> float:
        """Ratio of the figure to the mean of its null; 1 if both are 0."""
        mean = float(self.null.mean())
        if mean == 0:
            return 1.0 if self.value == 0 else float("inf")
        return self.value / mean

    def p_value(self, worse: Side) -> float:
        """Monte Carlo p-value of the figure; twice the smaller one for both sides."""
        high = (1 + int((self.null >= self.value - EQUAL).sum())) / (1 + len(self.null))
        low = (1 + int((self.null <= self.value + EQUAL).sum())) / (1 + len(self.null))
        return {"high": high, "low": low, "both": min(1.0, 2 * min(high, low))}[worse]


def sizes(candidates: int, real: int, max_rows: int) -> tuple[int, int]:
    """Return the numbers of candidates k ≤ m/2 and of real rows ≤ m − k to compare.

    Raises:
        CannotJudge: there are too few.
    """
    if min(candidates, real // 2, max_rows) < MIN_ROWS:
        raise CannotJudge(
            f"{candidates} candidates and {real} real rows with a value are too few: "
            f"{MIN_ROWS} candidates and {2 * MIN_ROWS} real rows are needed"
        )
    count = min(candidates, real // 2, max_rows)
    return count, min(real - count, max_rows)


def compare(
    figure: Callable[[Array, Array], float],
    candidates: Array,
    real: Array,
    *,
    draws: int,
    max_rows: int,
    seed: int,
    even: bool = False,
) -> Comparison:
    """Compute a figure of candidates against real rows, and its null.

    Args:
        figure: of two sets of rows, the first in the place of candidates.
        candidates: [n, …].
        real: [m, …].
        draws: of the null.
        max_rows: of either side; more are drawn at random.
        seed: of what is drawn.
        even: the figure needs as many real rows as candidates.

    Raises:
        CannotJudge: there are too few rows.
    """
    taken, against = sizes(len(candidates), len(real), max_rows)
    against = taken if even else against
    draw = np.random.default_rng(seed)
    fake = candidates[draw.permutation(len(candidates))[:taken]]
    pool = real[draw.permutation(len(real))[: taken + against]]
    null = np.empty(draws)
    for position in range(draws):
        order = draw.permutation(taken + against)
        null[position] = figure(pool[order[:taken]], pool[order[taken:]])
    value = figure(fake, pool[taken:])
    return Comparison(float(value), null, taken, against)
