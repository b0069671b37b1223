"""How alike rows of tables are, whatever the one value is in which they differ most.

As in Gower's distance, a number counts as the difference over the width of its column, at most 1,
and a category as 0 where it is equal, else 1; null equals null alone. The largest difference is
left out and the others are averaged, so a row of which one value was changed is as near to its
original as before. Rows of two columns or fewer keep all differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features.closest import Closest, slices
from pipelines.features.tables import kinds

TRIMMED: Final = 3
"""Columns from which the largest difference is left out."""
BLOCK: Final = 1 << 21
"""Differences that are held in memory at once."""

Records = NDArray[np.void]
Distances = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows as numbers in widths of their columns [n, a], NaN for null, and codes [n, b]."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int64]

    def at(self, rows: NDArray[np.int64] | slice) -> Points:
        """Select rows."""
        return Points(self.numbers[rows], self.codes[rows])

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.numbers.shape[1] + self.codes.shape[1])

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.numbers)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Widths of numbers and codes of categories, fixed on real rows."""

    widths: dict[str, float]
    levels: dict[str, dict[Any, int]]

    @classmethod
    def of(cls, real: Records) -> Scale:
        """Fix the scale on real rows."""
        fields = real.dtype.names or ()
        ordered = [field for field in fields if kinds.is_ordered(real, field)]
        levels = {
            field: {value: at for at, value in enumerate(dict.fromkeys(real[field].tolist()))}
            for field in fields
            if field not in ordered
        }
        return cls({field: kinds.width(real[field]) for field in ordered}, levels)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.widths) + len(self.levels)

    def points(self, rows: Records) -> Points:
        """Bring rows onto the scale; each category that no real row has gets a code of its own.

        The codes are kept: rows that are brought later have the same for the same category.
        """
        numbers = [rows[field] / width for field, width in self.widths.items()]
        codes = [
            np.asarray([known.setdefault(value, len(known)) for value in rows[field].tolist()])
            for field, known in self.levels.items()
        ]
        return Points(_stacked(numbers, rows, np.float64), _stacked(codes, rows, np.int64))


def nearest(rows: Points, others: Points, k: int) -> tuple[Distances, NDArray[np.int64]]:
    """Find the k most alike of other rows.

    Args:
        rows: n rows.
        others: m rows.
        k: at least 1.

    Returns:
        Distances in [0, 1] and places, [n, k] each, the nearest first, ties by the lower place; NaN
        and -1 where there are fewer. Memory is that of a block of `BLOCK` differences.
    """
    found = Closest.of(len(rows), k)
    columns = max(1, min(len(others), BLOCK // max(1, rows.columns)))
    for theirs in slices(len(others), columns):
        some = others.at(theirs)
        for ours in slices(len(rows), BLOCK // max(1, columns * rows.columns)):
            found.add(ours, theirs.start, _apart(rows.at(ours), some))
    return found.distances, found.places


def _apart(rows: Points, others: Points) -> Distances:
    """Compute the mean difference of each pair over all columns but the one that differs most."""
    numbers = np.abs(rows.numbers[:, None, :] - others.numbers[None, :, :])
    null, other_null = np.isnan(rows.numbers)[:, None, :], np.isnan(others.numbers)[None, :, :]
    numbers = np.where(null & other_null, 0.0, np.where(null | other_null, 1.0, numbers))
    parts = [np.minimum(numbers, 1.0), rows.codes[:, None, :] != others.codes[None, :, :]]
    each = np.concatenate(parts, axis=2)
    count = each.shape[2]
    total: Distances = each.sum(axis=2)
    if count >= TRIMMED:
        total, count = np.maximum(total - each.max(axis=2), 0.0), count - 1
    apart: Distances = total / max(count, 1)
    return apart


def _stacked(columns: list[NDArray[Any]], rows: Records, dtype: type) -> NDArray[Any]:
    if not columns:
        return np.empty((len(rows), 0), dtype=dtype)
    return np.stack(columns, axis=1).astype(dtype)
