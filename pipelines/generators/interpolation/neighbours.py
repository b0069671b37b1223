"""Which two rows of the mix a candidate lies between."""

from __future__ import annotations

import numpy as np

from pipelines.features import images, knn
from pipelines.features.tables import gower
from pipelines.generators.interpolation import pixels
from pipelines.generators.pool import Pool, Rows


def drawn(pool: Pool, count: int, draw: np.random.Generator) -> Rows:
    """Draw rows with a neighbour by their weights, with replacement: [count]."""
    weights = pool.weights * pool.has_neighbour
    return draw.choice(len(weights), count, p=weights / weights.sum())


def of(pool: Pool, rows: Rows, count: int, draw: np.random.Generator) -> Rows:
    """Draw one of the closest rows of the same label for each row.

    Args:
        pool: the rows of the mix.
        rows: some of them, [n], each with another of its label.
        count: how many of the closest are drawn from.
        draw: which of them it is.

    Returns:
        [n], none of them the row itself.
    """
    labels, found = pool.label, np.empty(len(rows), dtype=np.int64)
    place = draw.random(len(rows))
    for label in np.unique(labels[rows]):
        asked, same = np.flatnonzero(labels[rows] == label), np.flatnonzero(labels == label)
        close = _closest(pool, rows[asked], same, min(count + 1, len(same)))
        others = [
            [each for each in same[row] if each != own][:count]
            for row, own in zip(close, rows[asked], strict=True)
        ]
        found[asked] = [
            each[int(share * len(each))] for each, share in zip(others, place[asked], strict=True)
        ]
    return found


def _closest(pool: Pool, rows: Rows, among: Rows, count: int) -> Rows:
    """Find the closest of some rows to each of others, as places in `among`: [n, count]."""
    if pixels.has_image(pool):
        own, others = (images.vectors(pool.payload[pixels.IMAGE][each]) for each in (rows, among))
        return knn.nearest(own, others, count)[1]
    left, right = gower.points(
        [pool.payload[rows], pool.payload[among]], pool.features, pool.payload
    )
    return gower.closest(left, right, count)[1]
