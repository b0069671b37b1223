"""The image classifier that judges labels and measures training mixes: RBF support vector machines.

One machine per class against the rest, and one temperature that turns their margins into
calibrated probabilities (Guo et al. 2017). It is small, exact and deterministic, and learns a
thousand images in a fraction of a second, so a difference between two training mixes is a
difference of the data and not of luck.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import DataError

PENALTY: Final = 10.0
"""C of the support vector machines."""
FOLDS: Final = 5
"""Folds of the cross-validation that finds the temperature."""

UNSEEN_FOLDS: Final = 10
"""Folds when rows are classified by others: each machine learns nine tenths of them."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier of pixel vectors."""

    machines: tuple[Any, ...]
    """One scikit-learn SVC per class; none if there was only one class to learn."""
    classes: NDArray[np.int64]
    """The labels it knows, in order."""
    temperature: float | None
    """Margins are divided by it before the softmax; None: not calibrated."""

    def labels(self, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most probable labels, [n], of finite pixel vectors [n, d]."""
        found: NDArray[np.int64] = self.classes[self.margins(vectors).argmax(axis=1)]
        return found

    def predict(
        self, vectors: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Classify pixel vectors.

        Args:
            vectors: [n, d], finite.

        Returns:
            The most probable label and its calibrated probability, [n] each.

        Raises:
            DataError: the classifier was trained without calibration.
        """
        if self.temperature is None:
            raise DataError("this classifier was trained without calibration; use labels()")
        margins = self.margins(vectors)
        confidence = np.exp(_log_softmax(margins / self.temperature).max(axis=1, initial=-np.inf))
        return self.classes[margins.argmax(axis=1)], confidence

    def margins(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Signed distance from the boundary of each class, [n, classes]."""
        if not self.machines or not len(vectors):
            return np.zeros((len(vectors), len(self.classes)))
        return np.stack([each.decision_function(vectors) for each in self.machines], axis=1)


def train(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    *,
    calibrate: bool = True,
) -> Classifier:
    """Train a classifier.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        weights: [n], how much each row counts; None: all the same.
        seed: of the folds that calibrate.
        calibrate: find the temperature too; costs `FOLDS` more fits.

    Raises:
        DataError: no row; or, to calibrate, a class with one row only.
    """
    classes = np.unique(labels)
    if not len(classes):
        raise DataError("there is no labelled row to train a classifier on")
    share = np.ones(len(labels)) if weights is None else weights / weights.mean()
    temperature = _temperature(vectors, labels, share, seed) if calibrate else None
    return Classifier(_machines(vectors, labels, share), classes, temperature)


def unseen(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Classify rows by machines that did not learn from them, as if the rows were new.

    All use the temperature of a classifier of all rows: one of their own would give each fold
    another scale of confidence.

    Args:
        vectors: [n, d], finite.
        labels: [n].
        seed: of the folds.

    Returns:
        The most probable label and its calibrated probability, [n] each.

    Raises:
        DataError: a class has too few rows.
    """
    temperature = train(vectors, labels, seed=seed).temperature
    found = np.zeros(len(labels), dtype=np.int64)
    confidence = np.ones(len(labels))
    for learn, held in _folds(labels, seed, UNSEEN_FOLDS):
        rows, known = vectors[learn], labels[learn]
        machines = _machines(rows, known, np.ones(len(known)))
        trained = Classifier(machines, np.unique(known), temperature)
        found[held], confidence[held] = trained.predict(vectors[held])
    return found, confidence


def _machines(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[Any, ...]:
    from sklearn.svm import SVC  # noqa: PLC0415  slow to import

    classes = np.unique(labels)
    if len(classes) == 1:
        return ()
    return tuple(
        SVC(C=PENALTY, gamma="scale").fit(vectors, labels == each, sample_weight=weights)
        for each in classes
    )


def _temperature(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    seed: int,
) -> float:
    """The temperature of least cross-validated log loss."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import

    classes, target = np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return 1.0
    margins = np.empty((len(labels), len(classes)))
    for learn, held in _folds(labels, seed):
        machines = _machines(vectors[learn], labels[learn], weights[learn])
        margins[held] = Classifier(machines, classes, None).margins(vectors[held])
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        chances = _log_softmax(margins / np.exp(log_temperature))
        return -float(np.average(chances[rows, target], weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 3), method="bounded").x))


def _folds(
    labels: NDArray[np.int64], seed: int, count: int = FOLDS
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to learn from and rows held out, every class in every part."""
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  slow to import

    classes, counts = np.unique(labels, return_counts=True)
    rarest = int(counts.min())
    if rarest < 2:  # noqa: PLR2004  one to learn from, one to calibrate on
        raise DataError(
            f"class {classes[counts.argmin()]} has one row only; "
            f"a calibrated classifier needs two or more"
        )
    folds = StratifiedKFold(min(count, rarest), shuffle=True, random_state=seed % 2**32)
    yield from folds.split(labels, labels)


def _log_softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = margins - margins.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found
