"""Rows and ranks of a round: `row` may have gaps, ranks have none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import schema
from lineage.ancestry.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class RowIndex:
    """The rows of a round, and the rank of each."""

    count: int
    rows: NDArray[np.int64] | None
    """Ascending row numbers; None where they are 0 to count - 1."""

    def ranks(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ranks of rows, -1 for rows that the round does not have."""
        if self.rows is None:
            return np.where((rows >= 0) & (rows < self.count), rows, -1)
        positions = np.minimum(np.searchsorted(self.rows, rows), self.count - 1)
        return np.where(self.rows[positions] == rows, positions, -1)

    def rows_at(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows at the given ranks."""
        return ranks if self.rows is None else self.rows[ranks]


def in_order(rows: NDArray[np.int64]) -> RowIndex:
    """Index the rows of a round, which must ascend."""
    count = len(rows)
    full = count == 0 or (rows[0] == 0 and rows[-1] == count - 1)
    return RowIndex(count, None if full else rows)


def read(source: Source) -> RowIndex:
    """Read the rows of a round from its lineage."""
    with schema.readable(f"the lineage of round {source.round} of {source.dataset}"):
        rows = source.lineage().select(pl.col("row").cast(pl.Int64)).collect()["row"]
    return in_order(rows.sort().to_numpy())
