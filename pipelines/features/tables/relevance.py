"""Which columns of a table tell the label, and which rows are alike in these.

Where most columns say nothing of the label, rows that are alike in all of them disagree about it.
So each column weighs by its mutual information with the labels, less what chance gives it (Miller
1955; e.g. Paninski 2003, doi:10.1162/089976603321780272, equation 4).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features.closest import Closest, slices
from pipelines.features.tables import likeness
from pipelines.features.tables.likeness import Points

BINS: Final = 10
"""Bins of a column of numbers, with as many rows each; null is another."""
LEAST: Final = 0.05
"""Weight of a column, as a share of the largest, that it has at least: what one column does not
tell by itself, it may tell with another."""

Numbers = NDArray[np.float64]


def weights(points: Points, labels: NDArray[Any]) -> Numbers:
    """Weigh columns by what they tell of the labels.

    Args:
        points: m rows.
        labels: [m].

    Returns:
        [columns], numbers first, with a sum of 1; 0 throughout where no column tells anything.
    """
    columns = [_binned(column) for column in points.numbers.T] + list(points.codes.T)
    told = np.asarray([_told(column, labels) for column in columns])
    most = told.max(initial=0.0)
    if most <= 0:
        return np.zeros(len(told))
    raised = np.maximum(told, LEAST * most)
    found: Numbers = raised / raised.sum()
    return found


def _binned(column: Numbers) -> NDArray[np.int64]:
    """Number the bin of each value, [m]; that of null is the last."""
    known = column[np.isfinite(column)]
    if not len(known):
        return np.zeros(len(column), dtype=np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    found: NDArray[np.int64] = np.searchsorted(edges, column, side="right").astype(np.int64)
    found[np.isnan(column)] = BINS
    return found


def _told(column: NDArray[np.int64], labels: NDArray[Any]) -> float:
    """Mutual information of a column and the labels in nats, less its mean where there is none."""
    from sklearn.metrics import mutual_info_score  # noqa: PLC0415  slow to import

    values, classes = len(np.unique(column)), len(np.unique(labels))
    chance = (values - 1) * (classes - 1) / (2 * len(labels))
    return max(0.0, float(mutual_info_score(labels, column)) - chance)


def nearest(rows: Points, others: Points, weight: Numbers, k: int) -> NDArray[np.int64]:
    """Find the k of other rows that are most alike in the columns that count.

    Args:
        rows: n rows.
        others: m rows.
        weight: [columns], as `weights` has them.
        k: at least 1.

    Returns:
        Places, [n, k], the nearest first, ties by the lower place; -1 where there are fewer.
    """
    found = Closest.of(len(rows), k)
    for theirs in slices(len(others), likeness.BLOCK):
        some = others.at(theirs)
        for ours in slices(len(rows), likeness.BLOCK // max(1, len(some))):
            found.add(ours, theirs.start, _apart(rows.at(ours), some, weight))
    return found.places


def _apart(rows: Points, others: Points, weight: Numbers) -> Numbers:
    """Sum the differences of each pair over the columns, by their weights: Gower's distance."""
    apart, ordered = np.zeros((len(rows), len(others))), rows.numbers.shape[1]
    for number, each in enumerate(weight[:ordered]):
        ours, theirs = rows.numbers[:, number, None], others.numbers[None, :, number]
        null = np.isnan(ours), np.isnan(theirs)
        known = np.minimum(np.abs(ours - theirs), 1.0)
        apart += each * np.where(null[0] & null[1], 0.0, np.where(null[0] | null[1], 1.0, known))
    for number, each in enumerate(weight[ordered:]):
        apart += each * (rows.codes[:, number, None] != others.codes[None, :, number])
    return apart
