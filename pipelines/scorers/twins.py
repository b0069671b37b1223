"""What scorers of near-duplicates share: the best of many pairs, and rows in place of positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features.text_similarity import Pairs


def best(pairs: Pairs, rows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The highest similarity of each row on the left, ties by the lower row on the right.

    Returns:
        [rows] similarities, 0 where there is none, and rows on the right, -1 where there is none.
    """
    similarity = np.zeros(rows)
    matched = np.full(rows, -1, dtype=np.int64)
    order = np.lexsort((pairs.right, -pairs.similarity, pairs.left))
    lefts, first = np.unique(pairs.left[order], return_index=True)
    similarity[lefts] = pairs.similarity[order][first]
    matched[lefts] = pairs.right[order][first]
    return similarity, matched


def turned(pairs: Pairs) -> Pairs:
    """Swap both sides of all pairs."""
    return Pairs(pairs.right, pairs.left, pairs.similarity)


def both_ways(pairs: Pairs) -> Pairs:
    """Return each pair in both directions."""
    back = turned(pairs)
    return Pairs(*(np.concatenate(each) for each in zip(pairs, back, strict=True)))


def taken(values: pl.Series, at: NDArray[np.int64]) -> NDArray[Any]:
    """The values at these positions; 0 where there is none (-1)."""
    if not len(values):
        return np.zeros(len(at), dtype=np.int64)
    values_at: NDArray[Any] = values.to_numpy()[np.maximum(at, 0)]
    return np.where(at >= 0, values_at, 0)


def in_order(frame: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Sort a frame by `row`, and return where each row of the original frame is now, [n]."""
    order = frame["row"].arg_sort().cast(pl.Int64).to_numpy()
    positions = np.empty(len(order), dtype=np.int64)
    positions[order] = np.arange(len(order))
    return frame[order], positions
