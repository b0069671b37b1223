"""Few coordinates of long vectors, in which no two are farther apart than they are.

A vector is projected on the axes along which a sample of vectors differs most, and the length of
what the projection leaves out is one more coordinate. Distances between projections are at most
those between the vectors, and so are differences of lengths (the triangle inequality), so what is
far apart in these coordinates is far apart, and need not be compared in full. The axes are found by
subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4); which they are changes how
much is left to be compared, and never the result.

Coordinates are computed with 64 bits and kept with 32. `Coordinates.slack` bounds what this and a
product of 32 bits may be wrong by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

SAMPLE: Final = 1024
"""Vectors from which the axes are found."""
ITERATIONS: Final = 2
SPARE: Final = 8
"""Axes that are iterated beside those that are kept."""
BLOCK_VALUES: Final = 1 << 22
"""Values that are held with 64 bits at once: 32 MiB."""
COMPARED_VALUES: Final = 1 << 19
"""Values that are compared in full at once: 4 MiB with 64 bits."""
UNIT: Final = 2.0**-24
"""Relative rounding error of a number of 32 bits."""
WHITE: Final = np.float32(255)

Vectors = NDArray[np.float32] | NDArray[np.uint8]
"""[n, d] numbers; bytes stand for shares of 255, as pixels do."""
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Coordinates of vectors, [n, k]."""

    values: NDArray[np.float32]
    """[n, k]."""
    squares: NDArray[np.float64]
    """Their squared lengths, [n]."""

    def slack(self, other: Self) -> float:
        """Bound the error of squared distances to others, by a product of 32 bits.

        The error of a sum of k products is at most k u of the sum of their magnitudes (Higham 2002,
        section 3.1), and magnitudes are at most the squared sum of both lengths. It is doubled, and
        covers the rounding of the coordinates too.
        """
        longest = sum(float(np.sqrt(each.squares.max(initial=0.0))) for each in (self, other))
        terms = int(self.values.shape[1]) + 8
        return 4 * terms * UNIT * longest * longest


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Axes on which vectors are projected."""

    mean: NDArray[np.float64]
    """[d], which is taken off first."""
    axes: NDArray[np.float64] | None
    """[d, k], orthonormal, those along which vectors differ most first; None: all d coordinates."""

    @classmethod
    def of(cls, vectors: Vectors, rows: Rows, count: int) -> Self:
        """Find the axes along which vectors differ most.

        Args:
            vectors: [n, d].
            rows: those that are finite, at least one.
            count: number of axes; as many as there are dimensions: none are needed.
        """
        chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(np.int64)]
        sample = floats(vectors[chosen]).astype(np.float64)
        mean = sample.mean(axis=0)
        if count >= vectors.shape[1]:
            return cls(mean, None)
        sample -= mean
        draw = np.random.default_rng(0)
        basis = draw.normal(size=(sample.shape[1], min(count + SPARE, sample.shape[1])))
        for _ in range(ITERATIONS):
            basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
        turned = np.linalg.svd(sample @ basis, full_matrices=False)[2]
        return cls(mean, np.linalg.qr(basis @ turned.T)[0][:, :count])

    def first(self, count: int) -> Projection:
        """Return the first axes alone."""
        if self.axes is None or count >= self.axes.shape[1]:
            return self
        return Projection(self.mean, self.axes[:, :count])

    def coordinates(self, vectors: Vectors, rows: Rows) -> Coordinates:
        """Project the given rows, which are finite."""
        axes = self.axes
        width = vectors.shape[1] if axes is None else axes.shape[1] + 1
        values = np.empty((len(rows), width), dtype=np.float32)
        for block in blocks(len(rows), BLOCK_VALUES // max(1, vectors.shape[1])):
            moved = floats(vectors[rows[block]]) - self.mean
            if axes is None:
                values[block] = moved
                continue
            projected = moved @ axes
            left = _squares(moved) - _squares(projected)
            values[block, :-1] = projected
            values[block, -1] = np.sqrt(np.maximum(left, 0))
        return Coordinates(values, _squares(values))


def rms(queries: Vectors, references: Vectors, left: Rows, right: Rows) -> NDArray[np.float64]:
    """Compute RMS distances [n] of queries `left` and references `right`, with 64 bits."""
    distances = np.empty(len(left))
    for block in blocks(len(left), COMPARED_VALUES // max(1, queries.shape[1])):
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


def _squares(vectors: NDArray[Any]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return squares
