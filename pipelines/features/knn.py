"""Exact nearest neighbours of pixel vectors by RMS distance, on scikit-learn's brute force.

The RMS distance is the Euclidean distance over the root of the number of columns. scikit-learn
computes it as |q|² - 2q·r + |r|², which is fast and rounds, so that equal distances come out in any
order. Here a few more neighbours than wanted are taken from it, their distances are computed again
without that rounding, and ties are broken by the lower row. Where that could leave out a neighbour
at the same distance, all references of the query are compared.

Memory is bounded: queries are taken in blocks, and scikit-learn works in blocks of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SPARE: Final = 4
"""Neighbours beyond those asked for whose distances are computed without rounding."""
ROUNDING: Final = 1e-10
"""Bound on the rounding error of |q|² - 2q·r + |r|², as a share of |q|² + |r|²."""
BLOCK_ROWS: Final = 2048
"""Queries that are answered at once."""
EXHAUSTIVE_CELLS: Final = 1 << 22
"""Distances that are held in memory at once where a query is compared with all references."""

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Distances = NDArray[np.float64]


def nearest(
    queries: Vectors,
    references: Vectors,
    k: int,
    *,
    block_rows: int = BLOCK_ROWS,
    skip_self: bool = False,
) -> tuple[Distances, Rows]:
    """Find the k closest references of each query by RMS distance.

    Args:
        queries: [n, d]; a query that is not finite has no neighbours.
        references: [m, d]; a reference that is not finite is nobody's neighbour.
        k: Number of neighbours, at least 1.
        block_rows: Queries that are answered at once.
        skip_self: Queries and references are the same rows, and no row is its own neighbour.

    Returns:
        RMS distances and reference rows, [n, k] each, the closest first, ties by the lower row;
        NaN and -1 where there are fewer than k.
    """
    distances = np.full((len(queries), k), np.nan)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    wanted = k + skip_self
    kept = _first_copies(references, _finite_rows(references), wanted)
    if not len(kept):
        return distances, rows
    kept_references = _take(references, kept)
    index = _index().fit(kept_references)
    largest = float(_squared_norms(kept_references).max())
    for block in _blocks(_finite_rows(queries), block_rows):
        chosen = queries[block]
        close, sure = _candidates(index, chosen, min(wanted + SPARE, len(kept)), wanted, largest)
        exact = _rms_distances(chosen, kept_references, close)
        own_rows = block if skip_self else None
        distances[block], rows[block] = _closest_first(exact, kept[close], k, own_rows=own_rows)
        for unsure in _blocks(block[~sure], max(1, EXHAUSTIVE_CELLS // len(kept))):
            exact = _all_rms_distances(queries[unsure], kept_references)
            every_row = np.broadcast_to(kept, exact.shape)
            own_rows = unsure if skip_self else None
            distances[unsure], rows[unsure] = _closest_first(exact, every_row, k, own_rows=own_rows)
    return distances, rows


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
    finite_queries, kept = _finite_rows(queries), _finite_rows(references)
    if not len(finite_queries) or not len(kept):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    scale = float(np.sqrt(queries.shape[1]))
    index = _index(radius=radius * scale).fit(_take(references, kept))
    parts = []
    for block in _blocks(finite_queries, BLOCK_ROWS):
        distances, neighbours = index.radius_neighbors(queries[block])
        left = np.repeat(block, [len(row) for row in neighbours])
        right = kept[np.concatenate(neighbours).astype(np.int64)]
        distance = np.concatenate(distances).astype(np.float64) / scale
        order = np.lexsort((right, distance, left))
        parts.append((left[order], right[order], distance[order]))
    left, right, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return left, right, distance


def pairs_within(vectors: Vectors, radius: float) -> Rows:
    """Find all pairs of rows at RMS distance `radius` or less.

    Args:
        vectors: [n, d]; a row that is not finite has no neighbours.
        radius: Greatest RMS distance.

    Returns:
        [pairs, 2] row numbers, the lower one first.
    """
    left, right, _ = within(vectors, vectors, radius)
    keep = left < right
    return np.stack([left[keep], right[keep]], axis=1)


def _index(**settings: float) -> Any:  # noqa: ANN401  an untyped library
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    return NearestNeighbors(algorithm="brute", **settings)


def _blocks(rows: Rows, size: int) -> Iterator[Rows]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _finite_rows(vectors: Vectors) -> Rows:
    """Rows of which all values are finite; none where a row has no value at all."""
    if not vectors.shape[1]:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.isfinite(vectors).all(axis=1))


def _take(vectors: Vectors, rows: Rows) -> Vectors:
    """The given rows, without a copy where they are all rows."""
    return np.ascontiguousarray(vectors if len(rows) == len(vectors) else vectors[rows])


def _first_copies(vectors: Vectors, rows: Rows, count: int) -> Rows:
    """The rows without those that equal `count` lower rows, which can never be among `count`.

    A collapsed generator repeats one image many thousand times; without this, each of its queries
    would tie with all copies.
    """
    if not len(rows):
        return rows
    chosen = _take(vectors, rows)
    whole_row = np.dtype((np.void, chosen.dtype.itemsize * chosen.shape[1]))
    _, group = np.unique(chosen.view(whole_row).ravel(), return_inverse=True)
    order = np.argsort(group, kind="stable")
    sorted_groups = group[order]
    copy = np.arange(len(rows)) - np.searchsorted(sorted_groups, sorted_groups, side="left")
    return rows[np.sort(order[copy < count])]


def _candidates(
    index: Any,  # noqa: ANN401  an untyped library
    queries: Vectors,
    count: int,
    wanted: int,
    largest: float,
) -> tuple[Rows, NDArray[np.bool_]]:
    """The `count` closest references of each query, as far as the rounded distances tell.

    Args:
        index: Fitted to the references.
        queries: [n, d].
        count: Number of candidates; at most the number of references.
        wanted: Number of them that the caller keeps.
        largest: Greatest |r|² of the references.

    Returns:
        [n, count] references; and [n] whether the `wanted` closest are among them for certain.
    """
    distances, close = index.kneighbors(queries, count)
    if count >= index.n_samples_fit_:
        return close, np.ones(len(queries), dtype=np.bool_)
    squared = distances.astype(np.float64) ** 2
    rounding = ROUNDING * (_squared_norms(queries) + largest)
    return close, squared[:, -1] - squared[:, wanted - 1] > rounding


def _squared_norms(vectors: Vectors) -> Distances:
    norms: Distances = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return norms


def _rms_distances(queries: Vectors, references: Vectors, close: Rows) -> Distances:
    """RMS distances [n, c] of each query to its references `close` [n, c]."""
    gap = queries[:, None, :].astype(np.float64) - references[close]
    distances: Distances = np.sqrt(np.einsum("qkd,qkd->qk", gap, gap) / gap.shape[2])
    return distances


def _all_rms_distances(queries: Vectors, references: Vectors) -> Distances:
    """RMS distances [n, m] of each query to each reference."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415  slow to import

    distances: Distances = cdist(queries, references) / np.sqrt(queries.shape[1])
    return distances


def _closest_first(
    distances: Distances, rows: Rows, k: int, *, own_rows: Rows | None
) -> tuple[Distances, Rows]:
    """Order candidates by distance, then by row, and keep the first k.

    Args:
        distances: [n, c].
        rows: [n, c] reference rows.
        k: Number of neighbours.
        own_rows: [n] the row that each query is itself; None: queries are no references.

    Returns:
        Distances and rows, [n, k]; NaN and -1 where there are fewer than k.
    """
    if own_rows is not None:
        distances = np.where(rows == own_rows[:, None], np.inf, distances)
    order = np.lexsort((rows, distances), axis=1)[:, :k]
    best = np.take_along_axis(distances, order, axis=1)
    best_rows = np.take_along_axis(rows, order, axis=1)
    missing = ~np.isfinite(best)
    best[missing], best_rows[missing] = np.nan, -1
    if order.shape[1] < k:
        padding = ((0, 0), (0, k - order.shape[1]))
        best = np.pad(best, padding, constant_values=np.nan)
        best_rows = np.pad(best_rows, padding, constant_values=-1)
    return best, best_rows
