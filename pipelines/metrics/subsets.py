"""Real rows in place of a set, as many as it has: the null of figures that depend on n."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import values
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.values import Metric

SPREAD: Final = math.sqrt(2)
"""A figure and its null both vary by chance, so their difference does by so much more."""


def numbers(request: MetricRequest, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw `null_draws` times the numbers of n real training rows, without replacement."""
    draw = np.random.default_rng(seed)
    for _ in range(request.null_draws):
        yield np.sort(draw.permutation(len(request.real.labels))[: request.n])


def beside(value: float, held: float, drawn: NDArray[np.float64]) -> Metric:
    """Make a figure without an interval beside that of held-out rows, which is its null.

    Features that were fitted to the training rows know these better than any others, so the null is
    that of rows which are as new as those of the round. How far chance moves it is seen on random
    training rows, as many.

    Args:
        value: the figure.
        held: the same of validation rows.
        drawn: the same of random training rows, [draws].
    """
    if not np.isfinite(drawn).all():
        return Metric(value, math.nan, math.nan, held)
    low, high = values.interval(drawn - drawn.mean())
    return Metric(value, math.nan, math.nan, held, held + SPREAD * low, held + SPREAD * high)
