"""Exact nearest neighbours of pixel vectors by RMS distance.

The RMS distance is the Euclidean distance over the root of the number of columns. Candidates come
from `screening`, which passes over references that are surely farther. A few more neighbours than
wanted are taken from them, their distances are computed again with 64 bits, and ties are broken by
the lower row. Where that could leave out a neighbour at the same distance, all candidates of the
query are compared.

Memory is bounded: queries are taken in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import screening
from pipelines.features.pair_distances import rms

SPARE: Final = 4
"""Neighbours beyond those asked for whose distances are computed without rounding."""
ROUNDING: Final = 1e-10
"""Difference of two squared distances that counts as none, as a share of |q|² + |r|²."""
BLOCK_ROWS: Final = 2048
"""Queries that are answered at once."""
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
    wanted, asked = k + skip_self, finite_rows(queries)
    kept = _first_copies(references, finite_rows(references), wanted)
    if not len(kept) or not len(asked):
        return distances, rows
    kept_references = _take(references, kept)
    count = min(wanted + SPARE, len(kept))
    screen = screening.of(kept_references, _take(queries, asked[:: _step(len(asked))]), count)
    largest = float(_squared_norms(kept_references).max())
    for block in _blocks(asked, min(block_rows, screen.block_rows)):
        chosen, own_rows = queries[block], block if skip_self else None
        candidates = screen.candidates(chosen, count)
        squares, close = candidates.closest(count)
        rounding = ROUNDING * (_squared_norms(chosen) + largest)
        farthest = squares[:, min(wanted, count) - 1] + rounding
        exact = _rms_distances(chosen, kept_references, close, squares <= farthest[:, None])
        distances[block], rows[block] = _closest_first(exact, kept[close], k, own_rows=own_rows)
        is_unsure = (squares[:, -1] <= farthest) & (count < len(kept))
        for place in np.flatnonzero(is_unsure):
            query, every = slice(place, place + 1), candidates.of(int(place))
            exact = _all_rms_distances(chosen[query], kept_references[every])
            own_rows = block[query] if skip_self else None
            distances[block[query]], rows[block[query]] = _closest_first(
                exact, kept[every][None], k, own_rows=own_rows
            )
    return distances, rows


def _step(count: int) -> int:
    """Distance of evenly spaced rows, of which there are a few hundred."""
    return max(1, count // screening.SAMPLES[0])


def _blocks(rows: Rows, size: int) -> Iterator[Rows]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def finite_rows(vectors: NDArray[Any]) -> Rows:
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
    weights = np.random.default_rng(0).random(vectors.shape[1], dtype=np.float32)
    with np.errstate(over="ignore"):
        _, key, size = np.unique(
            np.einsum("nd,d->n", chosen, weights), return_inverse=True, return_counts=True
        )
    is_alone = size[key] == 1  # the others may be equal
    alone, others = rows[is_alone], rows[~is_alone]
    whole_row = np.dtype((np.void, chosen.dtype.itemsize * chosen.shape[1]))
    alike = _take(chosen, np.flatnonzero(~is_alone)).view(whole_row)
    _, group = np.unique(alike, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    sorted_groups = group.ravel()[order]
    copy = np.arange(len(others)) - np.searchsorted(sorted_groups, sorted_groups, side="left")
    return np.sort(np.concatenate([alone, others[order[copy < count]]]))


def _squared_norms(vectors: Vectors) -> Distances:
    norms: Distances = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return norms


def _rms_distances(
    queries: Vectors, references: Vectors, close: Rows, is_wanted: NDArray[np.bool_]
) -> Distances:
    """RMS distances [n, c] of each query to its references `close` [n, c]; infinite if unwanted."""
    distances = np.full(close.shape, np.inf)
    query, place = np.nonzero(is_wanted)
    distances[query, place] = rms(queries, references, query, close[query, place])
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
