"""Entropy of the rows of a round and of the next mix, beside that of as many real rows.

The entropy of what models are trained on falls from round to round, also where rounds accumulate,
and with it what they learn turns from generalisation to memorisation (Shi et al. 2025,
arXiv:2509.16499).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from expectations.measures import entropy
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.metrics import subsets
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric


@dataclass(frozen=True, slots=True)
class OfDimensions(Metric):
    """A figure of points that grows with their dimensions."""

    dimensions: int = 0
    """How many coordinates the points have."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON, with the number of dimensions."""
        return {**Metric.to_dict(self), "dimensions": self.dimensions}


class Entropy(RoundMetric[NoSettings]):
    """Differential entropy of sets of rows in the fixed features."""

    name = "entropy"
    version = "entropy/2"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set, and held-out rows in its place.

        Returns:
            entropy: the estimate of Kozachenko and Leonenko (1987) in nats, of n rows. It has no
            interval: rows that are drawn twice would have no distance.
        """
        project = request.features.project
        points = project(request.real.vectors)
        drawn = subsets.numbers(request, derive_seed(request.seed, "entropy"))
        spread = np.asarray([entropy.estimate(points[chosen]) for chosen in drawn])
        held = entropy.estimate(project(request.validation.vectors))
        dimensions = len(request.features.variances)
        found = {}
        for name, rows in request.sets.items():
            metric = subsets.beside(entropy.estimate(project(rows.vectors)), held, spread)
            found[name] = {"entropy": _of_dimensions(metric, dimensions)}
        return found


def _of_dimensions(metric: Metric, dimensions: int) -> OfDimensions:
    null = metric.null, metric.null_low, metric.null_high
    return OfDimensions(metric.value, metric.low, metric.high, *null, dimensions)
