"""Candidates for the nearest neighbours of vectors: few of all references, and the nearest of them.

Squared distances in few coordinates (`projection`) are lower bounds of those in all. For each query
some references that are near in these are compared in full, which gives an upper bound of the
distance of the last neighbour that is wanted; a reference whose lower bound is beyond it is no
candidate. How many coordinates are taken is chosen by the estimated cost: pictures differ along few
axes, and noise along all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import pair_distances
from pipelines.features.projection import SAMPLE_VALUES, Coordinates, Projection, spread

LEVELS: Final = (16, 32, 64, 128)
"""Numbers of axes of which one is chosen, or all columns."""
GROUP: Final = 32
"""References of which the one with the least lower bound is looked at first."""
CELLS: Final = 1 << 23
"""Lower bounds that are held at once: 32 MiB."""
SAMPLES: Final = 32, 4096
"""Queries and references by which the number of axes is chosen."""
SCREENED_NS: Final = 1.7, 0.015
"""Nanoseconds to screen a reference, and for each of its coordinates."""
COMPARED_NS: Final = 0.25
"""Nanoseconds to compare a candidate in full, for each of its columns."""

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Squares = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """References that may be among the nearest of each query, and surely all that are."""

    starts: Rows
    """[n + 1] where the candidates of each query start and end."""
    references: Rows
    """[p], of each query in order of their squared distances, ties by the lower reference."""
    squares: Squares
    """[p] squared distances."""

    def of(self, query: int) -> Rows:
        """Return the candidates of a query, the lower first."""
        return np.sort(self.references[self.starts[query] : self.starts[query + 1]])

    def closest(self, count: int) -> tuple[Squares, Rows]:
        """Return the `count` closest of each query, [n, count] each; no query has fewer."""
        at = self.starts[:-1, None] + np.arange(count)
        return self.squares[at], self.references[at]


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """References, ready to be screened."""

    references: Vectors
    """[m, d]."""
    projection: Projection
    coordinates: Coordinates
    """[m, k]."""
    factors: NDArray[np.float32]
    """[k + 1, padded m]: coordinates and squared lengths, which are infinite in the padding."""

    @property
    def block_rows(self) -> int:
        """Number of queries that are answered at once."""
        return max(1, CELLS // int(self.factors.shape[1]))

    def candidates(self, queries: Vectors, count: int) -> Candidates:
        """Find the candidates for the `count` nearest references.

        Args:
            queries: [n, d], finite.
            count: at most the number of references.
        """
        ours = self.projection.coordinates(queries, np.arange(len(queries)))
        ends = np.ones((len(queries), 1), dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # compared in full, see `_not_above`
            products = np.concatenate([ours.values * np.float32(-2), ends], axis=1) @ self.factors
        bounds = products.reshape(len(queries), GROUP, -1)
        least = bounds.min(axis=1)
        farthest = self._farthest(queries, bounds, least, count)
        limits = farthest - ours.squares + ours.slack(self.coordinates)
        query, reference = _not_above(bounds, least, limits, len(self.references))
        squares = pair_distances.squares(queries, self.references, query, reference)
        order = np.lexsort((reference, squares, query))
        starts = np.searchsorted(query[order], np.arange(len(queries) + 1))
        return Candidates(starts, reference[order], squares[order])

    def _farthest(
        self, queries: Vectors, bounds: NDArray[np.float32], least: NDArray[np.float32], count: int
    ) -> Squares:
        """Bound the squared distance of the `count`-th nearest reference of each query, [n].

        Any `count` references give an upper bound: those with the least lower bounds are taken, at
        most one of a group.
        """
        rows, taken = np.arange(len(queries))[:, None], count + 1
        if least.shape[1] <= taken:
            return np.full(len(queries), np.inf)
        groups = np.argpartition(least, taken, axis=1)[:, :taken]
        inside = bounds[rows, :, groups].argmin(axis=2)
        references = (inside * least.shape[1] + groups).ravel()
        known = references < len(self.references)
        query = np.repeat(rows[:, 0], taken)
        squares = np.full(len(references), np.inf)
        squares[known] = pair_distances.squares(
            queries, self.references, query[known], references[known]
        )
        nth = np.partition(squares.reshape(-1, taken), count - 1, axis=1)[:, count - 1]
        return np.asarray(nth * (1 + pair_distances.ROUNDING))


def of(references: Vectors, queries: Vectors, count: int) -> Screen:
    """Make references ready to be screened.

    Args:
        references: [m, d], at least one, all finite.
        queries: [n, d], at least one and finite: some of those that will be asked for, by which
            the number of axes is chosen.
        count: nearest references that will be asked for.
    """
    every = np.arange(len(references))
    widest = Projection.of(references, every, min(LEVELS[-1], references.shape[1]))
    if widest.axes is None:
        return _screen(references, widest)
    ours = queries[spread(np.arange(len(queries)), SAMPLES[0])]
    some = spread(every, max(GROUP, min(SAMPLES[1], SAMPLE_VALUES // references.shape[1])))
    each, step = SCREENED_NS
    costs = {references.shape[1]: each + step * references.shape[1]}
    for level in LEVELS:
        tried = _screen(references[some], widest.first(level))
        candidates = tried.candidates(ours, min(count, len(some)))
        share = len(candidates.references) / (len(ours) * len(some))
        costs[level] = each + step * level + share * COMPARED_NS * references.shape[1]
    best = min(costs, key=lambda level: costs[level])
    whole = best == references.shape[1]
    return _screen(references, Projection(widest.mean, None) if whole else widest.first(best))


def _screen(references: Vectors, projection: Projection) -> Screen:
    coordinates = projection.coordinates(references, np.arange(len(references)))
    count, width = coordinates.values.shape
    padded = -(-count // GROUP) * GROUP
    factors = np.zeros((width + 1, padded), dtype=np.float32)
    factors[:-1, :count] = coordinates.values.T
    factors[-1] = np.inf
    with np.errstate(over="ignore"):
        factors[-1, :count] = coordinates.squares
    return Screen(references, projection, coordinates, factors)


def _not_above(
    bounds: NDArray[np.float32], least: NDArray[np.float32], limits: Squares, count: int
) -> tuple[Rows, Rows]:
    """Find queries and references whose lower bound is not above the limit of the query.

    Args:
        bounds: [n, GROUP, groups] by reference; infinite in the padding, or not a number.
        least: [n, groups], their least.
        limits: [n].
        count: number of references.
    """
    limits = limits[:, None]
    query, group = np.nonzero(~(least > limits))  # what overflows is compared in full
    near, inside = np.nonzero(~(bounds[query, :, group] > limits[query]))
    reference = inside * least.shape[1] + group[near]
    there = reference < count
    return query[near][there], reference[there]
