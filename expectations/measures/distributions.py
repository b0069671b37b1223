"""Distances between two samples of one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from expectations.errors import CannotJudge

VERSION: Final = "distributions/1"
"""Raised when the figures change for equal input."""

Values = NDArray[np.float64]


def kolmogorov_smirnov(left: Values, right: Values) -> float:
    """Kolmogorov–Smirnov statistic: largest gap between two empirical distributions, in [0, 1].

    Kolmogorov 1933, Smirnov 1939. The same as scipy's `ks_2samp`, which also finds a p-value each
    time and takes several times as long; a null takes hundreds of statistics.

    Args:
        left: [n].
        right: [m].
    """
    both = np.concatenate([left, right])
    order = np.argsort(both)
    ahead = np.cumsum(np.where(order < len(left), len(right), -len(left)))
    ordered = both[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    return float(np.abs(ahead[last]).max() / (len(left) * len(right)))


def wasserstein(left: Values, right: Values) -> float:
    """Wasserstein-1 distance of two samples, in the unit of the values.

    Wasserstein-1, or earth mover's distance: ∫|F(x) − G(x)| dx. The same as scipy's
    `wasserstein_distance`, to import which takes longer than all else that a diff does.

    Args:
        left: [n].
        right: [m].
    """
    both = np.sort(np.concatenate([left, right]))
    reached = (
        np.searchsorted(np.sort(each), both[:-1], side="right") / len(each)
        for each in (left, right)
    )
    return float(np.vecdot(np.abs(next(reached) - next(reached)), np.diff(both)))


def spread(values: Values) -> float:
    """Unit of distances: the interquartile range, or the standard deviation where that is 0.

    Args:
        values: [m], real.

    Raises:
        CannotJudge: all values are the same.
    """
    low, high = np.quantile(values, (0.25, 0.75))
    unit = float(high - low) or float(values.std())
    if unit == 0:
        raise CannotJudge("all real values are the same, so there is no unit of distance")
    return unit


def total_variation(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> float:
    """Total variation distance ½ Σ |p − q| of two count vectors, in [0, 1].

    Args:
        ours: [kinds], how many there are of each; not all are 0.
        theirs: [kinds].
    """
    return float(np.abs(ours / ours.sum() - theirs / theirs.sum()).sum() / 2)


def binned(real: Values, bins: int) -> Callable[[Values], NDArray[Any]]:
    """Build bins of equal share of the real values; equal edges are merged."""
    edges = np.unique(np.quantile(real, np.linspace(0, 1, bins + 1)[1:-1]))
    return lambda values: np.searchsorted(edges, values, side="right")
