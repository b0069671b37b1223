"""All pairs of vectors within a distance, exactly: screened in few coordinates, then compared.

The distance is the RMS distance, the Euclidean one over the root of the number of columns. Vectors
are cut into tiles of near ones (a k-d tree in the coordinates of `projection`), and tiles that are
too far apart are passed over. The coordinates of the others are compared by matrix products of 32
bits, whose rounding is bounded, and what may be near is compared in full with 64 bits. How many
coordinates are taken is chosen by the estimated cost; the result depends on nothing of this.

Time grows with the pairs of tiles that are near, so with the square of the rows at worst, at about
a nanosecond a pair; memory grows with the rows and with the pairs that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.features import knn, pair_distances
from pipelines.features.pair_distances import Distances, Rows, Vectors, rms
from pipelines.features.projection import Projection, slack, spread

LEVELS: Final = (8, 16, 32, 64, 128, 192, 256)
"""Numbers of axes of which one is chosen; vectors of no more columns are compared as they are."""
TILE: Final = 512
"""Rows of a tile at most."""
PAIRS: Final = 1 << 13
"""Pairs that are compared in full before their groups are joined."""
MAX_VALUES: Final = 1 << 28
"""Coordinates of all rows at most: 1 GiB."""
SAMPLES: Final = (256, 4096)
"""Rows of either side by which the number of axes is chosen."""
PRODUCT_NS: Final = 0.45, 0.013
"""Nanoseconds to screen a pair, and for each of its coordinates."""
COMPARED_NS: Final = 0.15
"""Nanoseconds to compare a pair in full, for each of its columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Vectors in an order in which neighbouring ones are near, cut into tiles."""

    rows: Rows
    """[n] row numbers in this order."""
    factors: NDArray[np.float32]
    """[n, k + 2] in this order: coordinates, their squared lengths, and ones."""
    edges: Rows
    """[t + 1] where tiles start and end."""
    low: NDArray[np.float32]
    """[t, k] least coordinates of each tile."""
    high: NDArray[np.float32]
    """[t, k] greatest coordinates."""
    longest: float
    """Greatest length of the coordinates of a row."""

    @classmethod
    def of(cls, projection: Projection, vectors: Vectors, rows: Rows) -> Self:
        """Cut the given rows, which are finite and at least one, into tiles.

        Coordinates are brought into their order in place, a column at a time: of many rows they are
        most of what is held.
        """
        factors = np.ones((len(rows), projection.width + 2), dtype=np.float32)
        own = factors[:, :-2]
        squares = projection.coordinates(vectors, rows, own).squares
        parts = list(_parts(own, np.arange(len(rows))))
        order, edges = np.concatenate(parts), np.cumsum([0, *map(len, parts)])
        for column in own.T:
            column[:] = column[order]
        with np.errstate(over="ignore"):
            factors[:, -2] = squares[order]
        low, high = (each.reduceat(own, edges[:-1]) for each in (np.minimum, np.maximum))
        return cls(rows[order], factors, edges, low, high, float(np.sqrt(squares.max())))

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self.edges) - 1

    def near(self, tile: int, other: Self, limit: float) -> Rows:
        """Find the tiles of another that may hold what is near to rows of a tile."""
        gap = np.maximum(other.low - self.high[tile], self.low[tile] - other.high)
        squares = np.square(np.maximum(gap, 0)).sum(axis=1, dtype=np.float64)
        return np.flatnonzero(~(squares > limit))

    def of_tile(self, tile: int) -> NDArray[np.float32]:
        """Return the factors of a tile."""
        return self.factors[self.edges[tile] : self.edges[tile + 1]]


def within(queries: Vectors, references: Vectors, radius: float) -> tuple[Rows, Rows, Distances]:
    """Find all pairs of a query and a reference at RMS distance `radius` or less.

    Args:
        queries: [n, d]; a query that is not finite has no neighbours.
        references: [m, d]; a reference that is not finite is nobody's neighbour.
        radius: Greatest RMS distance.

    Returns:
        Query rows, reference rows and RMS distances of the pairs, in order of the queries, then of
        the distances, ties by the lower reference row.
    """
    none = np.empty(0, dtype=np.int64)
    parts = [(none, none, np.empty(0))]
    for left, right in _may_be_near(queries, references, radius):
        distances = rms(queries, references, left, right)
        is_near = distances <= radius
        parts.append((left[is_near], right[is_near], distances[is_near]))
    left, right, exact = (np.concatenate(column) for column in zip(*parts, strict=True))
    distance = _of_32_bits(exact, queries.shape[1])
    order = np.lexsort((right, distance, left))
    return left[order], right[order], distance[order]


def linked(vectors: Vectors, radius: float) -> Rows:
    """Find pairs that link near rows: one fewer for each group of them than it has rows.

    Args:
        vectors: [n, d]; a row that is not finite has no neighbours.
        radius: Greatest RMS distance of near rows.

    Returns:
        [pairs, 2] row numbers, the lower one first, which is the lowest of its group. Rows are in
        one group if a chain of near rows leads from one to the other; all near pairs of a group
        could be as many as its rows squared, and those inside of a group are not compared.
    """
    groups = _Groups(np.arange(len(vectors), dtype=np.int64))
    for pairs in _may_be_near(vectors, None, radius):
        left, right = pairs
        while len(left):
            apart = groups.find(left) != groups.find(right)
            left, right = left[apart], right[apart]
            now, later = slice(None, PAIRS), slice(PAIRS, None)
            is_near = rms(vectors, vectors, left[now], right[now]) <= radius
            groups.join(left[now][is_near], right[now][is_near])
            left, right = left[later], right[later]
    rows = np.arange(len(vectors), dtype=np.int64)
    lowest = groups.find(rows)
    return np.stack([lowest, rows], axis=1)[lowest < rows]


def _of_32_bits(distances: Distances, columns: int) -> Distances:
    """Round squares and roots of distances to 32 bits, as the tables of earlier releases do."""
    squares = np.square(distances) * columns
    rounded: Distances = np.sqrt(squares.astype(np.float32)).astype(np.float64) / np.sqrt(columns)
    return rounded


def _may_be_near(
    left: Vectors, right: Vectors | None, radius: float
) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows of either side that may be within the radius, among them all that are.

    Args:
        left: [n, d].
        right: [m, d]; None: the left ones, of which each pair is looked at once.
        radius: Greatest RMS distance.
    """
    ours = knn.finite_rows(left)
    theirs = ours if right is None else knn.finite_rows(right)
    if not len(ours) or not len(theirs):
        return
    references = left if right is None else right
    square = radius**2 * left.shape[1]
    projection = _projection(left, references, (ours, theirs), square)
    tiles = Tiles.of(projection, left, ours)
    others = tiles if right is None else Tiles.of(projection, references, theirs)
    limit = square + slack(projection.width, tiles.longest + others.longest)
    for at, beside in _not_above(tiles, others, limit):
        once = slice(None) if right is not None else at < beside
        one, two = tiles.rows[at[once]], others.rows[beside[once]]
        squares = pair_distances.squares(left, references, one, two)
        is_near = squares <= square * (1 + 2 * pair_distances.ROUNDING)
        yield one[is_near], two[is_near]


def _not_above(tiles: Tiles, others: Tiles, limit: float) -> Iterator[tuple[Rows, Rows]]:
    """Yield places of rows, in the order of tiles, whose coordinates are within the limit.

    Args:
        tiles: of either side.
        others: the same ones: each pair of tiles is looked at once.
        limit: greatest squared distance.
    """
    products = np.empty((TILE, TILE), dtype=np.float32)
    for tile in range(len(tiles)):
        near, own = tiles.near(tile, others, limit), tiles.of_tile(tile)
        ours = np.concatenate([own[:, :-2] * np.float32(-2), own[:, -1:], own[:, -2:-1]], axis=1)
        for other in near if tiles is not others else near[near >= tile]:
            theirs = others.of_tile(other)
            block = products[: len(ours), : len(theirs)]
            with np.errstate(over="ignore", invalid="ignore"):
                np.matmul(ours, theirs.T, out=block)
                places = np.flatnonzero(~(block > limit))  # what overflows may be near
            if len(places):
                at, beside = np.divmod(places, len(theirs))
                yield tiles.edges[tile] + at, others.edges[other] + beside


def _projection(
    left: Vectors, right: Vectors, rows: tuple[Rows, Rows], square: float
) -> Projection:
    """Choose axes: of the numbers `LEVELS` the one that costs least on a sample."""
    columns = left.shape[1]
    widest = Projection.of(right, rows[1], min(LEVELS[-1], columns))
    if widest.axes is None:
        return widest
    ours, theirs = (spread(each, count) for each, count in zip(rows, SAMPLES, strict=True))
    (each, step), costs = PRODUCT_NS, dict[int, float]()
    for level in (*LEVELS, columns):
        if level > LEVELS[0] and level * max(map(len, (*rows, theirs))) > MAX_VALUES:
            break
        some = widest.first(level) if level < columns else Projection(widest.mean, None)
        one, two = some.coordinates(left, ours), some.coordinates(right, theirs)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = one.squares[:, None] + two.squares - 2 * (one.values @ two.values.T)
        share = float((squares <= square + one.slack(two)).mean())
        costs[level] = each + step * level + share * COMPARED_NS * columns
    best = min(costs, key=lambda level: costs[level])
    return widest.first(best) if best < columns else Projection(widest.mean, None)


def _parts(values: NDArray[np.float32], rows: Rows) -> Iterator[Rows]:
    """Halve rows along the coordinate in which some of them differ most, down to tiles.

    Of very many rows no copy is held, but of one coordinate.
    """
    if len(rows) <= TILE:
        yield rows
        return
    axis = values[spread(rows, SAMPLES[1])].std(axis=0).argmax()
    order = np.argpartition(values[rows, axis], len(rows) // 2)
    for half in (order[: len(rows) // 2], order[len(rows) // 2 :]):
        yield from _parts(values, rows[half])


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """A forest in which each row points to a lower one of its group (Tarjan 1975)."""

    parent: Rows

    def find(self, rows: Rows) -> Rows:
        """Return the lowest row of the group of each."""
        roots = self.parent[rows]
        while not np.array_equal(above := self.parent[roots], roots):
            roots = above
        self.parent[rows] = roots
        return roots

    def join(self, left: Rows, right: Rows) -> None:
        """Make one group of the groups of each pair."""
        from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

        if not len(left):
            return
        roots, at = np.unique(
            np.concatenate([self.find(left), self.find(right)]), return_inverse=True
        )
        pairs = tuple(at.reshape(2, -1))
        graph = coo_array((np.ones(len(left), dtype=np.bool_), pairs), shape=(len(roots),) * 2)
        _, group = connected_components(graph, directed=False)
        _, lowest = np.unique(group, return_index=True)
        self.parent[roots] = roots[lowest[group]]
