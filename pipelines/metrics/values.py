"""A figure with its 95 % interval and its real-versus-real null."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from expectations.calibration import wilson

Z: Final = 1.959963984540054
"""Standard deviations of half a 95 % interval."""
LEVEL: Final = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure; NaN where it could not be computed."""

    value: float
    low: float
    """Lower end of the bootstrap interval of `value`."""
    high: float
    null: float = math.nan
    """The mean of the same figure for real rows in place of the round's."""
    null_low: float = math.nan
    null_high: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON; a number that is not finite is null."""
        return {name: finite(getattr(self, name)) for name in Metric.__slots__}


@dataclass(frozen=True, slots=True)
class MetricOf(Metric):
    """A figure that is the worst of several."""

    of: str = ""
    """What it is of, such as a class."""
    measured: int = 0
    """How many there are of which it was measured."""
    among: int = 0
    """How many there are."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON, with what it is of."""
        counts = {"measured": self.measured, "among": self.among}
        return {**Metric.to_dict(self), "of": self.of, **counts}


def finite(value: float) -> float | None:
    """The number rounded to six digits, or None if it is not finite (JSON has no NaN)."""
    return round(float(value), 6) if math.isfinite(value) else None


def as_json(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section of figures as JSON; what is no figure stays as it is."""
    return {
        name: value.to_dict()
        if isinstance(value, Metric)
        else as_json(value)
        if isinstance(value, Mapping)
        else value
        for name, value in section.items()
    }


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95 % of resampled figures."""
    low, high = np.percentile(values, LEVEL)
    return float(low), float(high)


def of_means(each: NDArray[np.float64], resamples: int, seed: int) -> tuple[float, float, float]:
    """Compute a mean over points and its bootstrap interval (Efron 1979).

    Args:
        each: [n].
        resamples: how often the n points are drawn again, with replacement.
        seed: of the draws.

    Returns:
        Mean, lower and upper end.
    """
    rows = np.random.default_rng(seed).integers(len(each), size=(resamples, len(each)))
    return float(each.mean()), *interval(each[rows].mean(axis=1))


def of_rows(
    figure: Callable[[NDArray[np.int64]], float], count: int, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Compute a figure of a set of rows and its bootstrap interval.

    Args:
        figure: takes row numbers, some of them several times; at least 0.
        count: rows there are.
        resamples: how often they are drawn again, with replacement.
        seed: of the draws.

    Returns:
        The figure of all rows, lower and upper end. Rows drawn twice bias a distance upwards, so
        the resampled figures are first moved onto the figure of all rows.
    """
    draw = np.random.default_rng(seed)
    resampled = np.asarray([figure(draw.integers(count, size=count)) for _ in range(resamples)])
    value = figure(np.arange(count))
    low, high = interval(resampled - resampled.mean() + value)
    return value, max(low, 0.0), high


def of_variances(
    points: NDArray[np.float64], real: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float, float]:
    """Compute the total variance of points over that of real ones, with a bootstrap interval.

    Args:
        points: [n, d], n at least 2.
        real: [m, d], m at least 2.
        resamples: how often the points of both are drawn again, with replacement.
        seed: of the draws.

    Returns:
        The ratio, lower and upper end; NaN where the real points do not vary. Few distinct points
        vary less when they are drawn again, so the resampled ratios are first scaled onto the ratio
        of all points.
    """
    below = float(real.var(axis=0, ddof=1).sum())
    if below <= 0:
        return math.nan, math.nan, math.nan
    value = float(points.var(axis=0, ddof=1).sum()) / below
    draw = np.random.default_rng(seed)
    above, under = (_variances(each, resamples, draw) for each in (points, real))
    ratios = above[under > 0] / under[under > 0]
    if not ratios.size or ratios.mean() <= 0:
        return value, value, value
    low, high = interval(ratios * (value / ratios.mean()))
    return value, low, high


def _variances(
    points: NDArray[np.float64], resamples: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Total variance of points that are drawn again with replacement, [resamples]."""
    count = len(points)
    apart = points - points.mean(axis=0)
    shares = draw.multinomial(count, np.full(count, 1 / count), size=resamples) / count
    squares, means = shares @ np.square(apart).sum(axis=1), shares @ apart
    found: NDArray[np.float64] = squares - np.square(means).sum(axis=1)
    return np.maximum(found, 0.0)


def of_share(hits: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Compute a share of rows and its Wilson score interval (1927), valid for rare hits too.

    Args:
        hits: [n].

    Returns:
        Share, lower and upper end.
    """
    estimate = wilson(int(hits.sum()), len(hits))
    return float(hits.mean()), estimate.low, estimate.high


def of_weighted_share(
    hits: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Compute a share of weighted rows and its interval.

    It is Wilson's score interval of as many rows as say as much (Kish 1965, Survey Sampling,
    section 11.7): the square of the sum of the weights over the sum of their squares.

    Args:
        hits: [n].
        weights: [n], at least one of them positive.

    Returns:
        Share, lower and upper end.
    """
    if np.ptp(weights) == 0:
        return of_share(hits)
    total = float(weights.sum())
    share = float(weights[hits].sum()) / total
    rows = total**2 / float(np.square(weights).sum())
    middle = (share + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    spread = math.sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2))
    half = Z * spread / (1 + Z**2 / rows)
    return share, max(middle - half, 0.0), min(middle + half, 1.0)
