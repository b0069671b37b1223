"""What a training mix is worth: how well a classifier trained on it does on real validation rows.

Two classifiers are compared on the same rows, so the interval of their difference is a paired one
(bootstrap over rows): rows that both get right or wrong add nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import values
from pipelines.metrics.values import Metric


class Recoloured(Protocol):
    """Images that a network can see in other colours than they have."""

    def at(self, rows: NDArray[np.int64]) -> Recoloured:
        """Select rows."""

    def points_in_colours_of(self, other: Any) -> NDArray[np.float32]:  # noqa: ANN401  as it is
        """Make points [n, d] of the images in the colours that others have together."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Rows as points [n, d], their labels [n], how much each row counts [n] (None: the same)."""

    vectors: NDArray[np.float32]
    labels: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    inputs: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    """What a classifier reads where that is not the points, [n], such as texts, or [n, k]."""
    features: str = ""
    """Digest of the network that made the points; empty where none did."""
    embedder: str = ""
    """The name of this network, as settings have it."""
    neutral: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """Points [n, d] without the style of each row, such as its brightness and contrast; empty where
    the modality knows of none."""
    shape: tuple[int, ...] = ()
    """Height and width, and channels if there are any, of the images that `likeness` is of; empty
    where rows are no images."""
    reduced: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """Images [n, d] that were made smaller, without their style, by which copies are told where the
    points are no pixels; empty where they are."""
    pictures: Recoloured | None = None
    """The images of rows whose points a network made, as `features.pictures`; None where no network
    did."""

    @property
    def content(self) -> NDArray[np.float32]:
        """Points without style, where there are such; else the points."""
        return self.neutral if len(self.neutral) else self.vectors

    @property
    def likeness(self) -> NDArray[np.float32]:
        """What copies are told by: smaller images where there are such; else the content."""
        return self.reduced if len(self.reduced) else self.content

    def at(self, rows: NDArray[np.int64]) -> Labelled:
        """Select rows, all of the same weight."""
        inputs = self.inputs[rows] if len(self.inputs) else self.inputs
        neutral = self.neutral[rows] if len(self.neutral) else self.neutral
        return Labelled(
            vectors=self.vectors[rows],
            labels=self.labels[rows],
            inputs=inputs,
            features=self.features,
            embedder=self.embedder,
            neutral=neutral,
            shape=self.shape,
            reduced=self.reduced[rows] if len(self.reduced) else self.reduced,
            pictures=self.pictures.at(rows) if self.pictures is not None else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Labels [n] of validation rows, and what a classifier said of them [n]."""

    labels: NDArray[Any]
    said: NDArray[Any]
    margins: NDArray[np.float64] | None = None
    """How far each row is on the side of each class, [n, classes]; None where models say it not."""
    classes: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    """The labels that margins are of, in order."""

    @property
    def right(self) -> NDArray[np.float64]:
        """1 for each row that the classifier gets right, else 0: [n]."""
        return np.asarray(self.said == self.labels, dtype=np.float64)

    def recall_per_class(self) -> dict[Any, float]:
        """Compute the share of hits in each class."""
        right = self.right
        return {
            each: float(right[self.labels == each].mean())
            for each in np.unique(self.labels).tolist()
        }


def accuracy(of: Answers, resamples: int, seed: int) -> Metric:
    """Compute the share of hits, with its interval."""
    return Metric(*values.of_means(of.right, resamples, seed))


def accuracy_gain(of: Answers, over: Answers, resamples: int, seed: int) -> Metric:
    """Compute the difference of two accuracies on the same rows, with a paired interval."""
    return Metric(*values.of_means(of.right - over.right, resamples, seed))


def macro_f1(of: Answers, resamples: int, seed: int) -> Metric:
    """Compute F1 of each class, averaged over the classes of the rows, with its interval."""
    counted = _Counted(of)
    return Metric(*values.of_rows(counted.macro_f1, len(of.labels), resamples, seed))


def macro_f1_gain(of: Answers, over: Answers, resamples: int, seed: int) -> Metric:
    """Compute the difference of two macro-F1 on the same rows, with a paired interval."""
    counted, counted_over, count = _Counted(of), _Counted(over), len(of.labels)

    def gain(rows: NDArray[np.int64]) -> float:
        return counted.macro_f1(rows) - counted_over.macro_f1(rows)

    draw = np.random.default_rng(seed)
    again = np.asarray([gain(draw.integers(count, size=count)) for _ in range(resamples)])
    return Metric(gain(np.arange(count)), *values.interval(again))


class _Counted:
    """Answers as numbers of classes, to count many resamples of them."""

    def __init__(self, answers: Answers) -> None:
        self.classes, self.labels = np.unique(answers.labels, return_inverse=True)
        positions = np.searchsorted(self.classes, answers.said).clip(max=len(self.classes) - 1)
        is_class = self.classes[positions] == answers.said
        self.said = np.where(is_class, positions, len(self.classes))
        """A class that no row has is one more."""

    def macro_f1(self, rows: NDArray[np.int64]) -> float:
        """Compute macro-F1 of some rows; a class without a row does not count."""
        count, labels, said = len(self.classes), self.labels[rows], self.said[rows]
        hits = np.bincount(labels[labels == said], minlength=count)
        rows_per_class = np.bincount(labels, minlength=count)
        predicted_per_class = np.bincount(said, minlength=count + 1)[:count]
        some = rows_per_class > 0
        return float((2 * hits[some] / (rows_per_class + predicted_per_class)[some]).mean())
