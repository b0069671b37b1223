"""Effect sizes and significance tests for two samples of one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures.distributions import total_variation

CLIFF: Final = (0.147, 0.33, 0.474)
"""|delta| from which on an effect is small, medium, large (Romano et al. 2006)."""
CRAMER: Final = (0.1, 0.3, 0.5)
"""Cramér's V, for two sides Cohen's w, from which on it is so (Cohen 1988)."""
SIZES: Final = ("none", "small", "medium", "large")
EXPECTED: Final = 5.0
"""Expected rows of a category per side below which categories are merged into one."""


@dataclass(frozen=True, slots=True)
class Tested:
    """Test and effect sizes of a categorical column."""

    g: float
    p_value: float
    cramers_v: float
    total_variation: float


def named(effect: float, limits: tuple[float, float, float]) -> str:
    """The size of an effect as a word of `SIZES`."""
    return SIZES[int(np.searchsorted(limits, abs(effect), side="right"))]


def cliffs_delta(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Cliff's delta: P(right > left) − P(right < left), in [−1, 1] (Cliff 1993).

    Args:
        left: [n].
        right: [m].
    """
    ordered = np.sort(left)
    below = np.searchsorted(ordered, right, side="left").sum()
    not_above = np.searchsorted(ordered, right, side="right").sum()
    return float((below + not_above) / (len(left) * len(right)) - 1.0)


def kolmogorov_p(statistic: float, left: int, right: int) -> float:
    """Asymptotic p-value of a Kolmogorov-Smirnov statistic of two samples (Smirnov 1939).

    Args:
        statistic: largest difference of the empirical distribution functions, in [0, 1].
        left: size of one sample.
        right: size of the other sample.
    """
    from scipy.special import kolmogorov  # noqa: PLC0415  slow to import

    effective = np.sqrt(left * right / (left + right))
    return float(kolmogorov(effective * statistic))


def categories(counts: NDArray[np.int64]) -> Tested:
    """Compare two sides of a categorical column.

    Args:
        counts: [2, categories], number of rows; no side is empty.

    Returns:
        G-test and Cramér's V over categories with at least `EXPECTED` expected rows, where rarer
        ones are merged into one; total variation distance over all categories.
    """
    from scipy.special import chdtrc  # noqa: PLC0415  slow to import

    table = _lumped(counts.astype(np.float64))
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(table > 0, table * np.log(table / expected), 0.0)
    freedom = table.shape[1] - 1
    g = max(2.0 * float(terms.sum()), 0.0)
    squares = float(((table - expected) ** 2 / expected).sum())
    p_value = float(chdtrc(freedom, g)) if freedom else 1.0
    return Tested(g, p_value, float(np.sqrt(squares / table.sum())), total_variation(*counts))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for multiple tests, which controls the family-wise error rate (Holm 1979).

    Args:
        values: p-values in [0, 1]; None where nothing was tested.
    """
    ranked = sorted((p, index) for index, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, index) in enumerate(ranked):
        highest = max(highest, min(1.0, p * (len(ranked) - rank)))
        adjusted[index] = highest
    return adjusted


def _lumped(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Merge categories with few expected rows into one."""
    smaller = table.sum(axis=1).min() / table.sum()
    rare = table.sum(axis=0) * smaller < EXPECTED
    together = table[:, rare].sum(axis=1, keepdims=True)
    kept = table[:, ~rare]
    return np.hstack([kept, together]) if together.sum() else kept
