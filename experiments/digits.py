"""Real digits, a small generator of them, and what is measured of what it makes.

The generator goes by the rule of the shipped generator `interpolation`: a row lies between a row
and one of its five nearest of the same class, with at least a quarter of either. Recall is that of
Kynkäänniemi et al. 2019 (arXiv:1904.06991): the share of real rows in a ball around a generated
row, which reaches to the third nearest generated row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.generators.interpolation.settings import InterpolationGenerate

DIMENSIONS: Final = 10
"""Principal components of a Gaussian."""
PENALTY: Final = 10.0
"""Penalty of the support vector machine."""
NEAREST: Final = 3
"""Number of the neighbour that a ball of recall reaches to."""
SHIPPED: Final = InterpolationGenerate()
Pixels = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Digits of 8 by 8 pixels in [0, 1], [n, 64], and their labels, [n]."""

    pixels: Pixels
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.labels)

    def at(self, rows: NDArray[np.int64]) -> Rows:
        """Select rows."""
        return Rows(self.pixels[rows], self.labels[rows])

    def some(self, count: int, draw: Generator) -> Rows:
        """Draw rows without replacement; all of them, where there are no more."""
        return self.at(draw.permutation(len(self))[:count])

    def joined(self, other: Rows) -> Rows:
        """Append other rows."""
        return Rows(
            np.concatenate([self.pixels, other.pixels]),
            np.concatenate([self.labels, other.labels]),
        )


@cache
def real() -> Rows:
    """Load the 1,797 handwritten digits that scikit-learn ships (Alpaydin and Kaynak 1998)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  slow to import

    found = load_digits()
    return Rows(found.data / 16, found.target.astype(np.int64))


def split(train: int, draw: Generator) -> tuple[Rows, Rows]:
    """Split the digits at random into so many that train, and the rest, which tests."""
    order = draw.permutation(len(real()))
    return real().at(order[:train]), real().at(order[train:])


def gaussians(rows: Rows, count: int, draw: Generator) -> Rows:
    """Fit a Gaussian on each class, in its first principal components, and draw as many of each.

    Args:
        rows: what is learnt; a class of one row gives this row.
        count: rows to draw; the remainder of a division by the classes is left out.
        draw: source of chance.
    """
    classes = np.unique(rows.labels)
    each, pixels = count // len(classes), []
    for label in classes:
        own = rows.pixels[rows.labels == label]
        mean = own.mean(axis=0)
        _, lengths, axes = np.linalg.svd(own - mean, full_matrices=False)
        widths = lengths[:DIMENSIONS] / np.sqrt(max(len(own) - 1, 1))
        points = draw.standard_normal((each, len(widths))) * widths
        pixels.append(np.clip(mean + points @ axes[:DIMENSIONS], 0, 1))
    return Rows(np.concatenate(pixels), np.repeat(classes, each))


def interpolated(rows: Rows, count: int, draw: Generator) -> Rows:
    """Draw rows between rows and their neighbours, by the rule of `interpolation`.

    Args:
        rows: what is learnt; those of a class without another row are left out.
        count: rows to draw.
        draw: source of chance.
    """
    neighbours = np.full((len(rows), SHIPPED.neighbours), -1)
    for label in np.unique(rows.labels):
        own = np.flatnonzero(rows.labels == label)
        apart = _distances(rows.pixels[own], rows.pixels[own])
        np.fill_diagonal(apart, np.inf)
        near = np.argsort(apart, axis=1)[:, : min(SHIPPED.neighbours, len(own) - 1)]
        neighbours[own, : near.shape[1]] = own[near]
    known = (neighbours >= 0).sum(axis=1)
    chosen = draw.choice(np.flatnonzero(known), size=count)
    other = neighbours[chosen, (draw.random(count) * known[chosen]).astype(np.int64)]
    share = draw.uniform(SHIPPED.least_share, 1 - SHIPPED.least_share, (count, 1))
    pixels = (1 - share) * rows.pixels[chosen] + share * rows.pixels[other]
    return Rows(pixels, rows.labels[chosen])


def accuracies(train: Rows, tests: Sequence[Rows]) -> list[float]:
    """Share of rows of each test that a support vector machine gets right, which learns from rows.

    Args:
        train: what it learns from.
        tests: rows that it has not seen.
    """
    from sklearn.svm import SVC  # noqa: PLC0415  slow to import

    model = SVC(C=PENALTY).fit(train.pixels, train.labels)
    return [float((model.predict(each.pixels) == each.labels).mean()) for each in tests]


def accuracy(train: Rows, test: Rows) -> float:
    """Share of test rows that a support vector machine gets right."""
    return accuracies(train, [test])[0]


def recall(made: Rows, test: Rows) -> float:
    """Share of test rows that lie in a ball around a generated row."""
    own = _distances(made.pixels, made.pixels)
    radius = np.partition(own, NEAREST, axis=1)[:, NEAREST]  # the first is the row itself
    return float((_distances(test.pixels, made.pixels) <= radius).any(axis=1).mean())


def _distances(left: Pixels, right: Pixels) -> Pixels:
    """Euclidean distances [n, m] of rows [n, d] and [m, d]."""
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)
    found: Pixels = np.sqrt(np.maximum(squares - 2 * left @ right.T, 0))
    return found
