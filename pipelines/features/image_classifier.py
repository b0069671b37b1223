"""Image classifier that scores labels and measures training mixes: RBF support vector machines.

One machine per class against the rest, and one temperature that turns their margins into
calibrated probabilities (Guo et al. 2017). It is small, exact and deterministic, and learns a
thousand images in a fraction of a second. So a difference between two training mixes comes from
the data and not from chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lake.visible import visible
from pipelines.common.errors import DataError

PENALTY: Final = 10.0
"""Inverse strength of the regularisation, C, of the support vector machines."""
FOLDS: Final = 5
"""Folds of the cross-validation that finds the temperature."""

UNSEEN_FOLDS: Final = 10
"""Folds when each row is classified by machines that did not learn from it."""


Labels = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier of pixel vectors."""

    machines: tuple[Any, ...]
    """One scikit-learn SVC per class; empty if there was only one class to learn."""
    classes: Labels
    """The labels that it can predict, whole numbers or names, in order."""
    temperature: float | None
    """Margins are divided by it before the softmax; None: not calibrated."""

    def labels(self, vectors: NDArray[np.float32]) -> Labels:
        """Predict the most probable labels [n] of finite pixel vectors [n, d]."""
        labels: Labels = self.classes[self.margins(vectors).argmax(axis=1)]
        return labels

    def predict(self, vectors: NDArray[np.float32]) -> tuple[Labels, NDArray[np.float64]]:
        """Classify pixel vectors.

        Args:
            vectors: [n, d], finite.

        Returns:
            The most probable label and its calibrated probability, [n] each.

        Raises:
            DataError: The classifier was trained without calibration.
        """
        if self.temperature is None:
            raise DataError("this classifier was trained without calibration; use labels()")
        margins = self.margins(vectors)
        confidence = np.exp(log_softmax(margins / self.temperature).max(axis=1, initial=-np.inf))
        return self.classes[margins.argmax(axis=1)], confidence

    def margins(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute signed distances from the boundary of each class, [n, classes]."""
        if not self.machines or not len(vectors):
            return np.zeros((len(vectors), len(self.classes)))
        return np.stack([machine.decision_function(vectors) for machine in self.machines], axis=1)


def train(
    vectors: NDArray[np.float32],
    labels: Labels,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    *,
    calibrate: bool = True,
) -> Classifier:
    """Train a classifier.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        weights: [n], weight of each row; None: all rows weigh the same.
        seed: Seed of the folds that calibrate.
        calibrate: Also find the temperature; this costs `FOLDS` more fits.

    Raises:
        DataError: There is no row; or a class has only one row, which cannot be calibrated.
    """
    classes = np.unique(labels)
    if not len(classes):
        raise DataError("there is no labelled row to train a classifier on")
    share = np.ones(len(labels)) if weights is None else weights / weights.mean()
    temperature = _temperature(vectors, labels, share, seed) if calibrate else None
    return Classifier(_machines(vectors, labels, share), classes, temperature)


def unseen(
    vectors: NDArray[np.float32], labels: Labels, seed: int = 0
) -> tuple[Labels, NDArray[np.float64]]:
    """Classify rows by cross-validation, with machines that did not learn from them.

    All folds use the temperature of a classifier of all rows: one of their own would give each
    fold another scale of confidence.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        seed: Seed of the folds.

    Returns:
        The most probable label and its calibrated probability, [n] each.

    Raises:
        DataError: A class has too few rows.
    """
    temperature = train(vectors, labels, seed=seed).temperature
    predicted = np.zeros_like(labels)
    confidence = np.ones(len(labels))
    for train_rows, test_rows in folds(labels, seed, UNSEEN_FOLDS):
        train_labels = labels[train_rows]
        machines = _machines(vectors[train_rows], train_labels, np.ones(len(train_labels)))
        trained = Classifier(machines, np.unique(train_labels), temperature)
        predicted[test_rows], confidence[test_rows] = trained.predict(vectors[test_rows])
    return predicted, confidence


def _machines(
    vectors: NDArray[np.float32], labels: Labels, weights: NDArray[np.float64]
) -> tuple[Any, ...]:
    from sklearn.svm import SVC  # noqa: PLC0415  slow to import

    classes = np.unique(labels)
    if len(classes) == 1:
        return ()
    return tuple(
        SVC(C=PENALTY, gamma="scale").fit(vectors, labels == label, sample_weight=weights)
        for label in classes
    )


def _temperature(
    vectors: NDArray[np.float32],
    labels: Labels,
    weights: NDArray[np.float64],
    seed: int,
) -> float:
    """Find the temperature of the least cross-validated log loss."""
    classes, target = np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return 1.0
    margins = np.empty((len(labels), len(classes)))
    for train_rows, test_rows in folds(labels, seed):
        machines = _machines(vectors[train_rows], labels[train_rows], weights[train_rows])
        margins[test_rows] = Classifier(machines, classes, None).margins(vectors[test_rows])
    return best_temperature(margins, target, weights)


def best_temperature(
    margins: NDArray[np.float64],
    target: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Find the temperature of the least log loss.

    Args:
        margins: [n, classes].
        target: Place of each row's label among the classes, [n].
        weights: [n], weight of each row; None: all rows weigh the same.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import

    rows = np.arange(len(target))

    def loss(log_temperature: float) -> float:
        chances = log_softmax(margins / np.exp(log_temperature))
        return -float(np.average(chances[rows, target], weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 3), method="bounded").x))


def folds(
    labels: Labels, seed: int, count: int = FOLDS
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split rows into training and test rows, with every class in every fold."""
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  slow to import

    classes, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rarest = int(counts.min())
    if rarest < 2:  # noqa: PLR2004  one to learn from, one to calibrate on
        raise DataError(
            f"class {visible(str(classes[counts.argmin()]))} has one row only; "
            f"a calibrated classifier needs two or more"
        )
    folds = StratifiedKFold(min(count, rarest), shuffle=True, random_state=seed % 2**32)
    yield from folds.split(numbers, numbers)


def log_softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the logarithms of the probabilities that margins stand for, [n, classes]."""
    shifted = margins - margins.max(axis=1, keepdims=True)
    logarithms: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms
