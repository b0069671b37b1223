"""Near-duplicates among pixel vectors, by RMS distance (Euclidean over the root of the length)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 2048


def pairs_within(vectors: NDArray[np.float32], radius: float) -> NDArray[np.int64]:
    """Find all pairs of rows at RMS distance `radius` or less.

    Args:
        vectors: [n, d], values in [0, 1].
        radius: RMS distance.

    Returns:
        [pairs, 2] row numbers, the lower one first, in order.
    """
    left, right, _ = within(vectors, vectors, radius)
    keep = left < right
    return np.stack([left[keep], right[keep]], axis=1)


def within(
    queries: NDArray[np.float32], references: NDArray[np.float32], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find all (query, reference) pairs at RMS distance `radius` or less.

    Args:
        queries: [n, d]; rows that are not finite have no neighbours.
        references: [m, d].
        radius: RMS distance.

    Returns:
        Query rows, reference rows and RMS distances of the pairs, in order of the queries.
    """
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    nothing = np.empty(0, dtype=np.int64)
    finite = np.flatnonzero(np.isfinite(queries).all(axis=1))
    if not len(finite) or not len(references):
        return nothing, nothing, np.empty(0)
    scale = float(np.sqrt(queries.shape[1]))
    index = NearestNeighbors(radius=radius * scale).fit(references)
    found = []
    for start in range(0, len(finite), BLOCK):
        rows = finite[start : start + BLOCK]
        distances, targets = index.radius_neighbors(queries[rows], sort_results=True)
        sizes = [len(each) for each in targets]
        found.append(
            (
                np.repeat(rows, sizes),
                np.concatenate(targets).astype(np.int64),
                np.concatenate(distances) / scale,
            )
        )
    left, right, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    return left.astype(np.int64), right, distance
