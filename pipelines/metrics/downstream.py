"""What a training mix is worth: accuracy on real validation rows of a classifier trained on it.

Two classifiers are compared on the same rows, so the interval of their difference is a paired one
(bootstrap over rows): rows that both get right or wrong add nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines import classifiers
from pipelines.metrics import values
from pipelines.metrics.values import Metric


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pixel vectors [n, d], their labels [n], and how much each row counts [n] (None: the same)."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None


def hits(train: Labelled, test: Labelled) -> NDArray[np.float64]:
    """1 for each test row that a classifier trained on `train` gets right, else 0: [n]."""
    found = classifiers.train(train.vectors, train.labels, train.weights, calibrate=False)
    right: NDArray[np.bool_] = found.labels(test.vectors) == test.labels
    return right.astype(np.float64)


def accuracy(right: NDArray[np.float64], resamples: int, seed: int) -> Metric:
    """Share of hits, with its interval."""
    return Metric(*values.of_means(right, resamples, seed))


def difference(
    right: NDArray[np.float64], other: NDArray[np.float64], resamples: int, seed: int
) -> Metric:
    """Accuracy of the first minus that of the second on the same rows, with a paired interval."""
    return Metric(*values.of_means(right - other, resamples, seed))


def recall_per_class(right: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[int, float]:
    """Share of hits among the rows of each class."""
    return {int(each): float(right[labels == each].mean()) for each in np.unique(labels)}
