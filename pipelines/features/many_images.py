"""Image classifier of many rows: the machines of `image_classifier`, which learn from a sample.

A support vector machine takes time as the square of its rows. Beyond `WORK` rows are drawn by a
seed, of each class its share, and all machines share one kernel matrix, which is a product of
matrices. So learning takes no longer however many rows there are, and classifying follows the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import image_classifier
from pipelines.features.image_classifier import PENALTY, UNSEEN_FOLDS, Classifier, Labels

WORK: Final = 1 << 32
"""Most products of values for a kernel matrix: rows times rows times values of a row, such as 2,048
rows of 1,024 values."""
MOST: Final = 8_192
"""Most rows of a kernel matrix, whatever their values: half a gigabyte."""
BLOCK: Final = 4_096
"""Rows that are classified at once."""
FEWEST: Final = 2
"""Rows of a class that are drawn at least, if it has them: to learn from and to calibrate on."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SampledClassifier(Classifier):
    """A trained classifier whose machines share the rows that they learned from."""

    learned: NDArray[np.float64]
    """[m, d]."""
    weights: NDArray[np.float64]
    """Weight of each of these rows for each class, [m, classes]."""
    intercepts: NDArray[np.float64]
    """[classes]."""
    gamma: float
    """Of the kernel exp(-gamma |x - y|²)."""

    def margins(self, vectors: Vectors) -> NDArray[np.float64]:
        """Compute signed distances from the boundary of each class, [n, classes]."""
        found = np.zeros((len(vectors), len(self.classes)))
        with one_thread():
            for start in range(0, len(vectors), BLOCK):
                block = vectors[start : start + BLOCK].astype(np.float64)
                kernel = _kernel(block, self.learned, self.gamma)
                found[start : start + BLOCK] = kernel @ self.weights + self.intercepts
        return found


def one_thread() -> AbstractContextManager[object]:
    """Let products of matrices take one thread, so that their bits do not depend on the cores."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  slow to import

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


def are_many(vectors: Vectors) -> bool:
    """Tell whether vectors [n, d] are more than machines learn from."""
    return len(vectors) > most(vectors)


def most(vectors: Vectors) -> int:
    """Most rows like these vectors, [n, d], that machines learn from."""
    return min(math.isqrt(WORK // max(vectors.shape[1], 1)), MOST)


def train(vectors: Vectors, labels: Labels, seed: int = 0) -> Classifier:
    """Train a calibrated classifier on a sample of rows.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        seed: Seed of the sample, and of the folds that calibrate.

    Raises:
        DataError: A class has one row only.
    """
    rows = sample(labels, most(vectors), seed)
    vectors, labels = vectors[rows], labels[rows]
    classes, target = np.unique(labels, return_inverse=True)
    margins = np.zeros((len(labels), len(classes)))
    for learned, tested in image_classifier.folds(labels, seed):
        margins[tested] = _fitted(vectors[learned], labels[learned], None).margins(vectors[tested])
    return _fitted(vectors, labels, image_classifier.best_temperature(margins, target))


def of_mix(
    vectors: Vectors, labels: Labels, weights: NDArray[np.float64] | None, seed: int = 0
) -> Classifier:
    """Train a classifier that is not calibrated on a sample of rows, which may have weights.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        weights: [n], weight of each row; None: all rows weigh the same.
        seed: Seed of the sample.
    """
    rows = sample(labels, most(vectors), seed)
    return _fitted(vectors[rows], labels[rows], None, None if weights is None else weights[rows])


def unseen(vectors: Vectors, labels: Labels, seed: int = 0) -> tuple[Labels, NDArray[np.float64]]:
    """Classify all rows by cross-validation, as `image_classifier.unseen` does.

    The machines of each fold learn from a sample of the other folds.

    Raises:
        DataError: A class has one row only.
    """
    temperature = train(vectors, labels, seed).temperature
    predicted, confidence = np.zeros_like(labels), np.ones(len(labels))
    for others, tested in image_classifier.folds(labels, seed, UNSEEN_FOLDS):
        learned = others[sample(labels[others], most(vectors), seed)]
        trained = _fitted(vectors[learned], labels[learned], temperature)
        predicted[tested], confidence[tested] = trained.predict(vectors[tested])
    return predicted, confidence


def sample(labels: Labels, count: int, seed: int) -> NDArray[np.int64]:
    """Draw about `count` rows, of each class its share and `FEWEST` at least: row numbers [m].

    All rows are drawn where there are no more; they come in ascending order.
    """
    if len(labels) <= count:
        return np.arange(len(labels))
    draw = np.random.default_rng(seed)
    parts = [
        draw.permutation(rows)[: max(FEWEST, len(rows) * count // len(labels))]
        for rows in _by_class(labels)
    ]
    return np.sort(np.concatenate(parts))


def _by_class(labels: Labels) -> Iterator[NDArray[np.int64]]:
    _, numbers = np.unique(labels, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def _fitted(
    vectors: Vectors,
    labels: Labels,
    temperature: float | None,
    weights_of_rows: NDArray[np.float64] | None = None,
) -> SampledClassifier:
    """Fit a machine for each class, on rows that are few enough."""
    from sklearn.svm import SVC  # noqa: PLC0415  slow to import

    learned, classes = vectors.astype(np.float64), np.unique(labels)
    variance = float(learned.var())
    gamma = 1 / (learned.shape[1] * variance) if variance else 1.0  # as `gamma="scale"`
    weights, intercepts = np.zeros((len(learned), len(classes))), np.zeros(len(classes))
    share = None if weights_of_rows is None else weights_of_rows / weights_of_rows.mean()
    if len(classes) > 1:
        with one_thread():
            kernel = _kernel(learned, learned, gamma)
        for place, label in enumerate(classes):
            machine: Any = SVC(C=PENALTY, kernel="precomputed")
            machine.fit(kernel, labels == label, sample_weight=share)
            weights[machine.support_, place] = machine.dual_coef_[0]
            intercepts[place] = machine.intercept_[0]
    return SampledClassifier((), classes, temperature, learned, weights, intercepts, gamma)


def _kernel(
    left: NDArray[np.float64], right: NDArray[np.float64], gamma: float
) -> NDArray[np.float64]:
    """Compute exp(-gamma |x - y|²) of all pairs, [n, m]."""
    kernel: NDArray[np.float64] = left @ right.T
    kernel *= -2
    kernel += (left**2).sum(axis=1)[:, None]
    kernel += (right**2).sum(axis=1)
    np.maximum(kernel, 0, out=kernel)
    kernel *= -gamma
    return np.exp(kernel, out=kernel)
