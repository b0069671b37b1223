"""The k least of a matrix of distances that is never held in memory as a whole.

Distances come in blocks of columns, from the left to the right; of each row the least so far are
kept. What comes out does not depend on the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Closest:
    """The least distances of each row so far, and the columns that they are in."""

    distances: Distances
    """[n, k], the least first; NaN where there are fewer columns."""
    places: Places
    """[n, k], ties by the lower column; -1 where there are fewer."""

    @classmethod
    def of(cls, rows: int, k: int) -> Self:
        """Start without any column."""
        return cls(np.full((rows, k), np.nan), np.full((rows, k), -1, dtype=np.int64))

    def add(self, rows: slice, first: int, apart: Distances) -> None:
        """Take the distances of some rows in columns to the right of all before.

        Args:
            rows: which n rows.
            first: number of the first column.
            apart: [n, m] distances, none of them NaN; they are overwritten.
        """
        kept = self.distances.shape[1]
        near, at = _least(apart, kept)
        distances = np.concatenate([self.distances[rows], near], axis=1)
        places = np.concatenate([self.places[rows], at + first], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :kept]
        self.distances[rows] = np.take_along_axis(distances, order, axis=1)
        self.places[rows] = np.take_along_axis(places, order, axis=1)


def _least(apart: Distances, k: int) -> tuple[Distances, Places]:
    """Find the k least of each row, the least first, ties by the lower column: [n, k] each."""
    rows, count = np.arange(len(apart)), min(k, apart.shape[1])
    near, at = np.empty((len(apart), count)), np.empty((len(apart), count), dtype=np.int64)
    for rank in range(count):
        at[:, rank] = apart.argmin(axis=1)
        near[:, rank] = apart[rows, at[:, rank]]
        apart[rows, at[:, rank]] = np.inf
    return near, at


def slices(count: int, step: int) -> Iterator[slice]:
    """Cut so many rows into slices of at most `step`."""
    return (slice(start, min(start + step, count)) for start in range(0, count, max(step, 1)))
