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

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.features.pair_distances import Rows, Vectors, blocks, floats

SAMPLE: Final = 1024
"""Vectors from which the axes are found."""
SAMPLE_VALUES: Final = 1 << 24
"""Numbers of them at most: of large images fewer are taken, but `LEAST`."""
LEAST: Final = 32
ITERATIONS: Final = 2
SPARE: Final = 8
"""Axes that are iterated beside those that are kept."""
BLOCK_VALUES: Final = 1 << 22
"""Values that are held with 64 bits at once: 32 MiB."""
UNIT: Final = 2.0**-24
"""Relative rounding error of a number of 32 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Coordinates of vectors, [n, k]."""

    values: NDArray[np.float32]
    """[n, k]."""
    squares: NDArray[np.float64]
    """Their squared lengths, [n]."""

    def slack(self, other: Self) -> float:
        """Bound the error of squared distances to others, by a product of 32 bits."""
        longest = sum(float(np.sqrt(each.squares.max(initial=0.0))) for each in (self, other))
        return slack(int(self.values.shape[1]), longest)


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
        chosen = spread(rows, min(SAMPLE, max(LEAST, SAMPLE_VALUES // max(1, vectors.shape[1]))))
        sample = floats(vectors[chosen]).astype(np.float64)
        mean = sample.mean(axis=0)
        if count >= vectors.shape[1]:
            return cls(mean, None)
        sample -= mean
        draw = np.random.default_rng(0)
        basis = draw.normal(size=(sample.shape[1], min(count + SPARE, *sample.shape)))
        for _ in range(ITERATIONS):
            basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
        turned = np.linalg.svd(sample @ basis, full_matrices=False)[2]
        return cls(mean, np.linalg.qr(basis @ turned.T)[0][:, :count])

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return len(self.mean) if self.axes is None else int(self.axes.shape[1]) + 1

    def first(self, count: int) -> Projection:
        """Return the first axes alone."""
        if self.axes is None or count >= self.axes.shape[1]:
            return self
        return Projection(self.mean, self.axes[:, :count])

    def coordinates(
        self, vectors: Vectors, rows: Rows, into: NDArray[np.float32] | None = None
    ) -> Coordinates:
        """Project the given rows, which are finite.

        Args:
            vectors: [n, d].
            rows: of which there are r.
            into: [r, `width`] where the coordinates are written; None: a new array.
        """
        axes = self.axes
        width = vectors.shape[1] if axes is None else axes.shape[1] + 1
        values = np.empty((len(rows), width), dtype=np.float32) if into is None else into
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


def spread(rows: Rows, count: int) -> Rows:
    """Choose at most so many rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(np.int64)]


def slack(width: int, longest: float) -> float:
    """Bound the error of squared distances between coordinates, by a product of 32 bits.

    The error of a sum of k products is at most k u of the sum of their magnitudes (Higham 2002,
    section 3.1), and magnitudes are at most the squared sum of both lengths. It is doubled, and
    covers the rounding of the coordinates too.

    Args:
        width: number of coordinates.
        longest: sum of the greatest lengths on either side.
    """
    return 4 * (width + 8) * UNIT * longest * longest


def _squares(vectors: NDArray[Any]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return squares
