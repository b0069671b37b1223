"""What the nearest rows say a label is: a vote of k neighbours, by their weights."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import knn

NEIGHBOURS: Final = 3
"""Neighbours that vote."""
TIE: Final = 1e-9
"""Added to the weight of a neighbour for each that is farther, so that the nearest settle a tie."""

Labels = NDArray[Any]


def vote(
    neighbours: NDArray[np.int64], labels: Labels, weights: NDArray[np.float64] | None = None
) -> Labels:
    """Take the label with the most weight among the neighbours of each row.

    Args:
        neighbours: [n, k] places of the neighbours, the nearest first; -1 is none.
        labels: [m] of the rows that are neighbours.
        weights: [m]; None: all weigh the same.

    Returns:
        Labels, [n]. A tie goes to the label with the nearer neighbours; a row without neighbours
        gets the first label.
    """
    classes, number = np.unique(labels, return_inverse=True)
    weight = np.ones(len(labels)) if weights is None else weights / weights.mean()
    votes = np.zeros((len(neighbours), len(classes)))
    rows = np.arange(len(neighbours))
    for rank, place in enumerate(neighbours.T):
        counted = np.where(place >= 0, weight[place], 0.0)
        votes[rows, number[place]] += counted * (1 + TIE * (neighbours.shape[1] - rank))
    voted: Labels = classes[votes.argmax(axis=1)]
    return voted


def predict(
    queries: NDArray[np.float32],
    references: NDArray[np.float32],
    labels: Labels,
    weights: NDArray[np.float64] | None = None,
) -> Labels:
    """Predict the label of each query, [n], by the `NEIGHBOURS` nearest references.

    Args:
        queries: [n, d].
        references: [m, d].
        labels: [m].
        weights: [m]; None: all weigh the same.
    """
    _, near = knn.nearest(queries, references, NEIGHBOURS)
    return vote(near, labels, weights)
