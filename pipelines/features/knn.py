"""Exact nearest neighbours in blocks, so that memory is bounded whatever the number of rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SPARE: Final = 4
"""More neighbours than asked for are measured exactly, because the fast formula rounds."""


def nearest(
    queries: NDArray[np.float32],
    references: NDArray[np.float32],
    k: int,
    *,
    block_rows: int = 2048,
    reference_rows: int = 8192,
    skip_self: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the k closest references of each query by RMS distance.

    Args:
        queries: [n, d]; a query that is not finite has no neighbours.
        references: [m, d]; a reference that is not finite is nobody's neighbour.
        k: how many.
        block_rows: queries whose distances are held in memory at once.
        reference_rows: references of which the same is true.
        skip_self: queries and references are the same rows, and no row is its own neighbour.

    Returns:
        RMS distances and reference rows, [n, k] each, the closest first, ties by the lower row;
        NaN and -1 where there are fewer than k.
    """
    distances = np.full((len(queries), k), np.nan)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    asked = np.flatnonzero(np.isfinite(queries).all(axis=1))
    known = np.flatnonzero(np.isfinite(references).all(axis=1))
    parts = [known[at : at + reference_rows] for at in range(0, len(known), reference_rows)]
    if parts:
        for start in range(0, len(asked), block_rows):
            block = asked[start : start + block_rows]
            found = _block(queries, references, block, parts, k, skip_self=skip_self)
            distances[block], rows[block] = found
    return distances, rows


def _block(
    queries: NDArray[np.float32],
    references: NDArray[np.float32],
    block: NDArray[np.int64],
    parts: list[NDArray[np.int64]],
    k: int,
    *,
    skip_self: bool,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Neighbours of one block of queries, over the references block by block."""
    best = np.full((len(block), k), np.inf)
    rows = np.full((len(block), k), -1, dtype=np.int64)
    chosen = queries[block].astype(np.float64)
    for part in parts:
        near = _closest(chosen, references[part].astype(np.float64), k + skip_self + SPARE)
        near_rows = part[near]
        gap = chosen[:, None, :] - references[near_rows].astype(np.float64)
        exact = np.sqrt(np.einsum("qkd,qkd->qk", gap, gap) / gap.shape[2])
        if skip_self:
            exact[near_rows == block[:, None]] = np.inf
        all_distances = np.concatenate([best, exact], axis=1)
        all_rows = np.concatenate([rows, near_rows], axis=1)
        order = np.lexsort((all_rows, all_distances), axis=1)[:, :k]
        best = np.take_along_axis(all_distances, order, axis=1)
        rows = np.take_along_axis(all_rows, order, axis=1)
    missing = ~np.isfinite(best)
    best[missing], rows[missing] = np.nan, -1
    return best, rows


def _closest(
    queries: NDArray[np.float64], references: NDArray[np.float64], k: int
) -> NDArray[np.int64]:
    """Columns of the k smallest |q|² - 2q·r + |r|² of each row, in no order."""
    squared = (references**2).sum(axis=1) - 2 * queries @ references.T
    if k >= len(references):
        return np.broadcast_to(np.arange(len(references)), squared.shape)
    found: NDArray[np.int64] = np.argpartition(squared, k - 1, axis=1)[:, :k]
    return found
