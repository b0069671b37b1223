"""Distances of given pairs of vectors, in full: fast ones that round, and RMS distances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry.compiling import compiled

VALUES: Final = 1 << 19
"""Values that are compared at once: 4 MiB with 64 bits."""
WHITE: Final = np.float32(255)
ROUNDING: Final = 1e-6
"""Bound on the relative error of `squares`: bytes are not rounded to 32 bits there."""

Vectors = NDArray[np.float32] | NDArray[np.uint8]
"""[n, d] numbers; bytes stand for shares of 255, as pixels do."""
Rows = NDArray[np.int64]
Distances = NDArray[np.float64]


def squares(queries: Vectors, references: Vectors, left: Rows, right: Rows) -> Distances:
    """Compute squared distances [p] of queries `left` and references `right`, within `ROUNDING`."""
    squares = np.empty(len(left))
    if queries.dtype == np.uint8 and references.dtype == np.uint8:
        compiled(compare_bytes)(queries, references, left, right, squares)
        return squares / float(WHITE) ** 2
    compiled(compare, fastmath=True)(floats(queries), floats(references), left, right, squares)
    return squares


def rms(queries: Vectors, references: Vectors, left: Rows, right: Rows) -> Distances:
    """Compute RMS distances [p] of queries `left` and references `right`, with 64 bits."""
    distances = np.empty(len(left))
    for block in blocks(len(left), VALUES // max(1, queries.shape[1])):
        ours, theirs = floats(queries[left[block]]), floats(references[right[block]])
        gap = ours.astype(np.float64) - theirs
        distances[block] = np.sqrt(np.einsum("pd,pd->p", gap, gap) / gap.shape[1])
    return distances


def floats(vectors: Vectors) -> NDArray[np.float32]:
    """Return vectors as numbers of 32 bits, bytes as shares of 255."""
    if vectors.dtype == np.uint8:
        shares: NDArray[np.float32] = np.divide(vectors, WHITE, dtype=np.float32)
        return shares
    return vectors.astype(np.float32, copy=False)


def blocks(count: int, size: int) -> Iterator[slice]:
    """Cut so many rows into blocks of at most `size`, and at least one."""
    step = max(1, size)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def compare(
    queries: NDArray[np.float32],
    references: NDArray[np.float32],
    left: Rows,
    right: Rows,
    squares: Distances,
) -> None:
    """Compute the squared distance of each pair, with 64 bits; compiled."""
    for pair in range(len(left)):
        one, two = queries[left[pair]], references[right[pair]]
        total = 0.0
        for column in range(len(one)):
            gap = np.float64(one[column]) - np.float64(two[column])
            total += gap * gap
        squares[pair] = total


def compare_bytes(
    queries: NDArray[np.uint8],
    references: NDArray[np.uint8],
    left: Rows,
    right: Rows,
    squares: Distances,
) -> None:
    """Compute the squared distance of each pair of bytes, exactly; compiled.

    A sum of 64 bits holds that of 2⁴⁷ bytes.
    """
    for pair in range(len(left)):
        one, two = queries[left[pair]], references[right[pair]]
        total = 0
        for column in range(len(one)):
            gap = np.int32(one[column]) - np.int32(two[column])
            total += int(gap * gap)
        squares[pair] = total
