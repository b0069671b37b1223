"""Effect sizes and tests of two samples of one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures.distributions import total_variation

CLIFF: Final = (0.147, 0.33, 0.474)
"""Where |delta| begins to be small, medium, large (Romano et al. 2006)."""
CRAMER: Final = (0.1, 0.3, 0.5)
"""The same for Cramér's V of two sides, which is Cohen's w (Cohen 1988)."""
SIZES: Final = ("none", "small", "medium", "large")
EXPECTED: Final = 5.0
"""Rows that a category must be expected to have on either side; rarer ones count as one."""


@dataclass(frozen=True, slots=True)
class Tested:
    """Two sides of a column of categories."""

    g: float
    p_value: float
    cramers_v: float
    total_variation: float


def named(effect: float, limits: tuple[float, float, float]) -> str:
    """An effect size in a word."""
    return SIZES[int(np.searchsorted(limits, abs(effect), side="right"))]


def cliffs_delta(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """P(right > left) − P(right < left), in [−1, 1] (Cliff 1993).

    Args:
        left: [n].
        right: [m].
    """
    ordered = np.sort(left)
    below = np.searchsorted(ordered, right, side="left").sum()
    not_above = np.searchsorted(ordered, right, side="right").sum()
    return float((below + not_above) / (len(left) * len(right)) - 1.0)


def kolmogorov_p(statistic: float, left: int, right: int) -> float:
    """The chance of this Kolmogorov-Smirnov statistic or more, asymptotically (Smirnov 1939).

    Args:
        statistic: the largest gap.
        left: size of a sample.
        right: size of the other.
    """
    from scipy.stats import kstwobign  # noqa: PLC0415  slow to import

    effective = np.sqrt(left * right / (left + right))
    return float(kstwobign.sf(effective * statistic))


def categories(counts: NDArray[np.int64]) -> Tested:
    """Compare two sides of a column of categories.

    Args:
        counts: [2, kinds], rows of each; no side is empty.

    Returns:
        The G-test and Cramér's V over categories of at least `EXPECTED` expected rows, the rarer
        ones as one; the total variation over all.
    """
    from scipy.stats import chi2  # noqa: PLC0415  slow to import

    table = _lumped(counts.astype(np.float64))
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(table > 0, table * np.log(table / expected), 0.0)
    freedom = table.shape[1] - 1
    g = max(2.0 * float(terms.sum()), 0.0)
    squares = float(((table - expected) ** 2 / expected).sum())
    p_value = float(chi2.sf(g, freedom)) if freedom else 1.0
    return Tested(g, p_value, float(np.sqrt(squares / table.sum())), total_variation(*counts))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values so that one false finding among all stays as rare as its level (Holm 1979).

    Args:
        values: p-values; None where nothing was tested.
    """
    known = sorted((p, at) for at, p in enumerate(values) if p is not None)
    found: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, at) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        found[at] = highest
    return found


def _lumped(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put categories of few expected rows together."""
    smaller = table.sum(axis=1).min() / table.sum()
    rare = table.sum(axis=0) * smaller < EXPECTED
    together = table[:, rare].sum(axis=1, keepdims=True)
    kept = table[:, ~rare]
    return np.hstack([kept, together]) if together.sum() else kept
