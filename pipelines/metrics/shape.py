"""The shape of a set of rows against real data: overlap, Fréchet distance, variance, tails.

All figures use `n` rows of either side. The null is the same figures for random real training rows.
The tails are the region that 1 % of the real training rows lie in, farthest from their mean; their
mass is the share of a set in it, over 0.01. It and the variance ratio are judged on both sides:
models forget tails, and some inflate them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures.features import Features
from expectations.measures.manifold import overlap
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.frechet import frechet
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric

TAIL: Final = 0.01
OVERLAP: Final = ("precision", "recall", "density", "coverage")
NAMES: Final = (*OVERLAP, "frechet", "variance", "tail")

Vectors = NDArray[np.float32]


class Shape(RoundMetric[NoSettings]):
    """Overlap, Fréchet distance, variance and tails of sets of rows, beside those of real rows."""

    name = "shape"
    version = "shape/1"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set against the validation rows, and random real rows in its place."""
        yardstick = Yardstick(
            request.real.vectors, request.validation.vectors, request.features, request.n
        )
        against = null(yardstick, request.null_draws, derive_seed(request.seed, "null"))
        return {
            name: measure(
                yardstick,
                rows.vectors,
                against,
                request.bootstrap,
                derive_seed(request.seed, name, "bootstrap"),
            )
            for name, rows in request.sets.items()
        }


@dataclass(frozen=True, slots=True)
class Yardstick:
    """References of a measurement: real rows, fixed features, fixed n."""

    real: Vectors
    """Real training vectors, [m, d]."""
    validation: Vectors
    """Real vectors that no generator saw, [n, d]."""
    features: Features
    n: int
    """Rows of each set that are used."""
    _of_real: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    """Figures of the real rows alone, which every resample is held against."""

    def figures(self, rows: Vectors) -> dict[str, float]:
        """Compute all figures of [n, d] vectors, without intervals."""
        points = self.features.project(rows)
        held = self.features.project(self.validation)
        each = overlap(held, points)
        found = {name: float(each[name].mean()) for name in OVERLAP}
        found |= {"frechet": frechet(points, held), "variance": self.variance(rows)}
        return found | {"tail": float(self.in_tail(rows).mean()) / TAIL}

    def variance(self, rows: Vectors) -> float:
        """Compute the total variance over that of the real training rows."""
        real = self._once("variance", lambda: _total_variance(self.real))
        return _total_variance(rows) / real if real > 0 else np.nan

    def in_tail(self, rows: Vectors) -> NDArray[np.bool_]:
        """Return which rows lie in the tails, [n]."""
        edge = self._once(
            "edge", lambda: float(np.quantile(self.features.rarity(self.real), 1 - TAIL))
        )
        return np.greater(self.features.rarity(rows), edge)

    def _once(self, name: str, compute: Callable[[], float]) -> float:
        """Compute a figure of the real rows once."""
        if name not in self._of_real:
            self._of_real[name] = compute()
        return self._of_real[name]


def _total_variance(rows: Vectors) -> float:
    """Compute the sum of the variances of all columns."""
    return float(rows.var(axis=0, ddof=min(1, len(rows) - 1), dtype=np.float64).sum())


def null(yardstick: Yardstick, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """The figures of `draws` random subsets of n real training rows: [draws] for each name."""
    draw = np.random.default_rng(seed)
    figures = [
        yardstick.figures(yardstick.real[draw.permutation(len(yardstick.real))[: yardstick.n]])
        for _ in range(draws)
    ]
    return {name: np.asarray([each[name] for each in figures]) for name in NAMES}


def measure(
    yardstick: Yardstick,
    rows: Vectors,
    against: Mapping[str, NDArray[np.float64]],
    resamples: int,
    seed: int,
) -> dict[str, Metric]:
    """Compute all figures of a set of rows, with intervals and the null.

    Args:
        yardstick: what to measure with.
        rows: [n, d].
        against: the null.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    held = yardstick.features.project(yardstick.validation)
    points = yardstick.features.project(rows)
    found = {
        name: values.of_means(part, resamples, derive_seed(seed, name))
        for name, part in overlap(held, points).items()
    }
    for name, figure in {
        "frechet": lambda chosen: frechet(points[chosen], held),
        "variance": lambda chosen: yardstick.variance(rows[chosen]),
    }.items():
        found[name] = values.of_rows(figure, len(rows), resamples, derive_seed(seed, name))
    share, low, high = values.of_share(yardstick.in_tail(rows))
    found["tail"] = share / TAIL, low / TAIL, high / TAIL
    return {
        name: Metric(*found[name], float(against[name].mean()), *values.interval(against[name]))
        for name in NAMES
    }
