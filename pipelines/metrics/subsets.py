"""Random real rows in place of a set, as many as it has: the null of figures that depend on n."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import values
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.values import Metric


def of_real(request: MetricRequest, seed: int) -> Iterator[Labelled]:
    """Draw `null_draws` random subsets of n real training rows, without replacement."""
    draw = np.random.default_rng(seed)
    for _ in range(request.null_draws):
        yield request.real.at(np.sort(draw.permutation(len(request.real.labels))[: request.n]))


def beside(value: float, null: NDArray[np.float64]) -> Metric:
    """Make a figure without an interval beside its null; of a null that has no figure, NaN."""
    low, high = values.interval(null) if np.isfinite(null).all() else (math.nan, math.nan)
    return Metric(value, math.nan, math.nan, float(null.mean()), low, high)
