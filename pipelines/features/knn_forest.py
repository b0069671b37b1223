"""Nearest neighbours among very many images: most of them, by a forest of random trees.

An exact search takes time as the square of the rows. Here rows are halved again and again along
the axis, of a few principal ones that each tree turns at random, in which they differ most, down
to leaves; only rows of one leaf are compared (random projection trees, Dasgupta and Freund 2008).
What is near is parted by a cut rarely, and by the cuts of all trees hardly ever, so copies are
found, and of a row that is like no other some neighbour that is not much farther than the nearest.
Time follows the rows, but for the depth of the trees; memory is that of the rows and of a few
coordinates of each.

Distances that are found are exact, and never less than that of the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.features import pair_distances
from pipelines.features.pair_distances import Distances, Rows, Vectors
from pipelines.features.projection import Projection, spread

TREES: Final = 16
"""Trees of the forest."""
LEAF: Final = 512
"""References of a leaf at most."""
AXES: Final = 32
"""Principal axes that trees cut along."""
SOME: Final = 4096
"""References by which the axis of a cut is chosen."""
QUERIES: Final = 2048
"""Queries of a leaf that are compared at once."""
SPARE: Final = 1
"""Neighbours beyond those asked for that are compared without rounding, in each leaf."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The nearest references of each query so far."""

    squares: Distances
    """[n, k] squared distances, the least first; infinite where there are fewer."""
    rows: Rows
    """[n, k], ties by the lower row; -1 where there are fewer."""

    @classmethod
    def of(cls, count: int, k: int) -> Self:
        """Start without any reference."""
        return cls(np.full((count, k), np.inf), np.full((count, k), -1, dtype=np.int64))

    def add(self, queries: Rows, squares: Distances, rows: Rows) -> None:
        """Take references of some queries, [n, c] each; one that is known already counts once."""
        k = self.rows.shape[1]
        is_known = (rows[:, :, None] == self.rows[queries][:, None, :]).any(axis=2)
        squares = np.where(is_known, np.inf, squares)
        squares = np.concatenate([self.squares[queries], squares], axis=1)
        rows = np.concatenate([self.rows[queries], rows], axis=1)
        order = np.lexsort((rows, squares), axis=1)[:, :k]
        self.squares[queries] = np.take_along_axis(squares, order, axis=1)
        self.rows[queries] = np.take_along_axis(rows, order, axis=1)


def nearest(
    queries: Vectors,
    references: Vectors,
    k: int,
    *,
    seed: int,
    skip_self: bool = False,
) -> tuple[Distances, Rows]:
    """Find near references of each query by RMS distance, in most cases the k nearest.

    Args:
        queries: [n, d], finite.
        references: [m, d], finite, of the type of the queries.
        k: Number of neighbours, at least 1.
        seed: Of the trees.
        skip_self: Queries and references are the same rows, and no row is its own neighbour.

    Returns:
        RMS distances and reference rows, [n, k] each, as `knn.nearest` gives them; NaN and -1 where
        there are fewer than k.
    """
    found = _Found.of(len(queries), k)
    ours = theirs = np.arange(len(references))
    if not skip_self:
        ours = np.arange(len(queries))
    if len(ours) and len(theirs) and references.shape[1]:
        projection = Projection.of(references, theirs, min(AXES, references.shape[1]))
        places = projection.coordinates(references, theirs).values
        own = places if skip_self else projection.coordinates(queries, ours).values
        draw = np.random.default_rng(seed)
        for _ in range(TREES if len(references) > LEAF else 1):
            turn = np.linalg.qr(draw.normal(size=(places.shape[1],) * 2))[0].astype(np.float32)
            turned = places @ turn
            for leaf in _leaves(own @ turn if own is not places else turned, turned, ours, theirs):
                _compare(found, queries, references, *leaf, skip_self=skip_self)
    at = found.rows
    query, rank = np.nonzero(at >= 0)
    distances = np.full(at.shape, np.nan)
    distances[query, rank] = pair_distances.rms(queries, references, query, at[query, rank])
    return distances, at


def _leaves(
    own: NDArray[np.float32], places: NDArray[np.float32], ours: Rows, theirs: Rows
) -> Iterator[tuple[Rows, Rows]]:
    """Halve references down to leaves, and send queries after them.

    Args:
        own: [n, a] coordinates of the queries.
        places: [m, a] coordinates of the references.
        ours: rows of queries.
        theirs: rows of references, of which at least one.
    """
    if not len(ours):
        return
    if len(theirs) <= LEAF:
        yield ours, theirs
        return
    axis = places[spread(theirs, SOME)].std(axis=0).argmax()
    values = places[theirs, axis]
    order = np.argpartition(values, len(theirs) // 2)
    low, high = np.split(order, [len(theirs) // 2])
    if own is places and ours is theirs:
        for half in (low, high):
            both = theirs[half]
            yield from _leaves(own, places, both, both)
        return
    is_low = own[ours, axis] < values[high].min()
    yield from _leaves(own, places, ours[is_low], theirs[low])
    yield from _leaves(own, places, ours[~is_low], theirs[high])


def _compare(
    found: _Found,
    queries: Vectors,
    references: Vectors,
    ours: Rows,
    theirs: Rows,
    *,
    skip_self: bool,
) -> None:
    """Compare the queries of a leaf with its references."""
    others = pair_distances.floats(references[theirs])
    squares = np.einsum("md,md->m", others, others)
    count = min(found.rows.shape[1] + SPARE, len(theirs) - skip_self)
    if count < 1:
        return
    for block in pair_distances.blocks(len(ours), QUERIES):
        rows = ours[block]
        apart = pair_distances.floats(queries[rows]) @ others.T
        apart *= -2
        apart += squares
        if skip_self:
            at = np.arange(len(rows))
            apart[at, at + (block.start or 0)] = np.inf
        near = theirs[_least(apart, count)]
        exact = pair_distances.squares(queries, references, np.repeat(rows, count), near.ravel())
        found.add(rows, exact.reshape(near.shape), near)


def _least(apart: NDArray[np.float32], count: int) -> Rows:
    """Find the columns of the least `count` of each row, [n, count]; they are overwritten."""
    rows, found = np.arange(len(apart)), np.empty((len(apart), count), dtype=np.int64)
    for rank in range(count):
        found[:, rank] = apart.argmin(axis=1)
        apart[rows, found[:, rank]] = np.inf
    return found
