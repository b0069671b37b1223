"""How many labels must be wrong, as the nearest training rows contradict them.

Where classes overlap, neighbours of rows with right labels contradict a part of these too, and
agree with a part of the wrong ones. The mean share of neighbours with another label lies between
that of right labels (real rows) and that of labels drawn at random from the others, so where it
lies tells the share of wrong labels. Real rows are held-out ones, and training rows whose own label
does not count; they count by the classes of the accepted rows (direct standardisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics.values import Metric, Z

NEIGHBOURS: Final = 7
"""Nearest training rows whose labels are compared with that of a row."""
APART: Final = 0.1
"""Least difference of the shares of right and of random labels; below it neighbours say nothing of
labels, and nothing is measured. It is held against classes that count equally, too: neighbours that
know nothing agree with most rows of a frequent class."""

Labels = NDArray[Any]
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contradicted:
    """Labels of rows, [n], and the share of the neighbours of each that have another, [n]."""

    given: Labels
    share: Shares

    @classmethod
    def of(cls, given: Labels, places: NDArray[np.int64], labels: Labels) -> Contradicted:
        """Compare labels [n] with those of neighbours at places [n, k] of labels [m]."""
        other = (labels[places] != given[:, None]) & (places >= 0)
        return cls(given, other.sum(axis=1) / np.maximum((places >= 0).sum(axis=1), 1))

    def joined(self, other: Contradicted) -> Contradicted:
        """Append other rows."""
        given = np.concatenate([self.given, other.given])
        return Contradicted(given, np.concatenate([self.share, other.share]))


def without_self(places: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave each row out of its own neighbours.

    Args:
        places: [n, k + 1] places of the nearest, the nearest first.
        own: [n] place of each row.

    Returns:
        [n, k], the k nearest others.
    """
    kept = places != own[:, None]
    kept[kept.all(axis=1), -1] = False
    found: NDArray[np.int64] = places[kept].reshape(len(places), -1)
    return found


def wrong(accepted: Contradicted, real: Contradicted) -> Metric:
    """Estimate the share of accepted rows that have a wrong label.

    Args:
        accepted: of accepted rows.
        real: of real rows, of which each class weighs as many rows as the accepted ones have.

    Returns:
        The share, at least 0, with the interval that the accepted rows leave it; its null is 0,
        with the interval that the real rows leave. NaN where neighbours say nothing of labels.
    """
    classes = np.unique(real.given)
    weight, equal = _weights(accepted.given, real.given), _weights(classes, real.given)
    right = float(np.average(real.share, weights=weight))
    apart = _apart(right, len(classes))
    if min(apart, _apart(float(np.average(real.share, weights=equal)), len(classes))) < APART:
        return Metric(np.nan, np.nan, np.nan)
    value = (float(accepted.share.mean()) - right) / apart
    ours = Z * float(accepted.share.std()) / np.sqrt(len(accepted.share)) / apart
    spread = np.square(weight / weight.sum() * (real.share - right)).sum()
    theirs = Z * float(np.sqrt(spread)) / apart
    shown = min(max(value, 0.0), 1.0)
    return Metric(shown, value - ours, max(value + ours, shown), 0.0, -theirs, theirs)


def _apart(right: float, classes: int) -> float:
    """How much more of the neighbours contradict random labels than right ones."""
    return 1 - right * classes / max(classes - 1, 1)


def _weights(ours: Labels, real: Labels) -> Shares:
    """How many of our rows each real row stands for, [n]; all the same where ours have no class."""
    classes, place, counts = np.unique(real, return_inverse=True, return_counts=True)
    wanted = np.asarray([np.count_nonzero(ours == label) for label in classes], dtype=np.float64)
    weights: Shares = (wanted / counts)[place]
    return weights if weights.any() else np.ones(len(real))
