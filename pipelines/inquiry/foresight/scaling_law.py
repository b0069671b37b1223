"""The scaling law L(N) = a·N^−b + c of a downstream loss, fitted with intervals (Fan et al. 2024).

A fit is by least squares with bounds (a, c ≥ 0 and 0 ≤ b ≤ 3), over all repeats at all sizes.
Intervals come from fits to resampled repeats, drawn again within each size.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZES: Final = 4
"""Sizes without which three parameters are not fitted."""
STEEPEST: Final = 3.0
"""Largest exponent that is fitted."""
ENDS: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Curve:
    """L(N) = a·N^−b + c."""

    a: float
    b: float
    c: float

    def loss(self, rows: float) -> float:
        """The loss at so many rows."""
        return float(self.a * rows**-self.b + self.c)

    def rows(self, loss: float) -> float | None:
        """The rows that have this loss; None where no number of rows has it."""
        if loss <= self.c or self.a <= 0 or self.b <= 0:
            return None
        try:
            return float((self.a / (loss - self.c)) ** (1 / self.b))
        except OverflowError:  # a curve that is flat
            return None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted curve, and the fits to resampled repeats."""

    curve: Curve
    resampled: tuple[Curve, ...]

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % interval of a, b or c."""
        low, high = np.percentile([getattr(each, name) for each in self.resampled], ENDS)
        return float(low), float(high)


def fit(losses: Mapping[int, Sequence[float]], resamples: int, seed: int) -> Fitted | None:
    """Fit the law to losses by number of rows; None where sizes are too few.

    Args:
        losses: repeats at each size.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    if len(losses) < SIZES:
        return None
    curve = least_squares(losses)
    if curve is None:
        return None
    random = np.random.default_rng(seed)
    drawn = (least_squares(_resampled(losses, random)) for _ in range(resamples))
    resampled = tuple(each for each in drawn if each is not None)
    return Fitted(curve, resampled) if len(resampled) > resamples / 2 else None


def _resampled(
    losses: Mapping[int, Sequence[float]], random: np.random.Generator
) -> dict[int, list[float]]:
    return {
        size: random.choice(np.asarray(each), len(each)).tolist() for size, each in losses.items()
    }


def least_squares(losses: Mapping[int, Sequence[float]]) -> Curve | None:
    """Fit once; sizes are scaled by their largest, so that a is of the size of a loss.

    Args:
        losses: repeats at each size.

    Returns:
        The curve; None where no fit was found.
    """
    from scipy.optimize import OptimizeWarning, curve_fit  # noqa: PLC0415  slow to import

    pairs = [(size, loss) for size, each in losses.items() for loss in each]
    sizes, seen = (np.asarray(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    largest, least = float(sizes.max()), float(max(seen.min(), 0.0))

    def law(scaled: Floats, a: float, b: float, c: float) -> Floats:
        found: Floats = a * scaled**-b + c
        return found

    start = [max(float(seen.max()) - least, 1e-6) / 4, 0.5, least / 2]
    bounds = ([0.0, 0.0, 0.0], [np.inf, STEEPEST, max(float(seen.max()), 1e-6)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # of a covariance that is not used
        try:
            (a, b, c), _ = curve_fit(law, sizes / largest, seen, p0=start, bounds=bounds)
        except (RuntimeError, ValueError):  # no fit was found
            return None
    return Curve(float(a * largest**b), float(b), float(c))


@dataclass(frozen=True, slots=True)
class Worth:
    """What synthetic rows are worth beside some real ones."""

    real: int
    """Real rows beside them."""
    synthetic: int
    loss: float
    """Mean loss of both together."""
    equal: float | None
    """Real rows alone that have this loss, by the law of real rows; None: not measured."""
    per_real: float | None
    """Synthetic rows that are worth one more real row here; None: not measured."""
    low: float | None
    high: float | None
    why: str = ""
    """Why it is not measured."""


def worths(
    law: Fitted | None,
    mixed: Mapping[int, Sequence[float]],
    synthetic: int,
    most: int,
    seed: int,
) -> Iterator[Worth]:
    """Compare real rows with synthetic ones beside them to more real rows.

    Args:
        law: of real rows alone.
        mixed: losses of so many real rows with all synthetic ones.
        synthetic: how many these are.
        most: real rows that there are; beyond them the law is not measured.
        seed: of the resampling.
    """
    random = np.random.default_rng(seed)
    for real, losses in sorted(mixed.items()):
        loss = float(np.mean(losses))
        if law is None:
            yield Worth(real, synthetic, loss, None, None, None, None, "no law could be fitted")
            continue
        equal = law.curve.rows(loss)
        draws = [
            each.rows(float(random.choice(np.asarray(losses), len(losses)).mean()))
            for each in law.resampled
        ]
        yield _worth((real, synthetic, loss), equal, draws, most)


def _worth(
    at: tuple[int, int, float], equal: float | None, draws: list[float | None], most: int
) -> Worth:
    real, synthetic, loss = at
    gains = np.asarray([-np.inf if each is None else each - real for each in draws])
    beyond = np.asarray([each is None for each in draws]).mean() > ENDS[0] / 100
    if equal is None or beyond or equal > most:
        why = f"it is a loss that no {most:,} real rows have"
        return Worth(real, synthetic, loss, None, None, None, None, why)
    if equal <= real or np.percentile(gains, ENDS[0]) <= 0:
        why = "no gain beyond chance"
        return Worth(real, synthetic, loss, equal, None, None, None, why)
    low, high = synthetic / np.percentile(gains, ENDS[::-1])
    return Worth(real, synthetic, loss, equal, synthetic / (equal - real), float(low), float(high))
