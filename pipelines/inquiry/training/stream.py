"""The rows of the mix as a stream of Arrow tables, which a forked process can read too.

The workers of a data loader are forks, and Polars hangs in the fork of a process that has used it.
So what Polars is needed for, which rows are in the mix and by which weight, is settled beforehand,
and pyarrow reads the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.inquiry.training import blocks
from pipelines.inquiry.training.blocks import PartFiles
from pipelines.inquiry.training.columns import WEIGHT

READ_BYTES: Final = 1 << 20
"""Bytes that are read of a file at once; otherwise pyarrow reads all of a row group's column."""


@dataclass(frozen=True, slots=True)
class FileRows:
    """A Parquet file, and which of its rows are in the mix."""

    path: str
    weights: NDArray[np.float64]
    """Weight of each row of the file; 0 where it is not in the mix."""
    step: int
    """Most rows that are read at once."""
    first: int
    """Number of the file's first block among those of all files."""

    def tables(self, worker: int = 0, workers: int = 1) -> Iterator[tuple[int, pa.Table]]:
        """Yield the blocks that fall to one of some workers: number, and rows with their weight.

        Raises:
            DataError: the file cannot be read.
        """
        try:
            file = pq.ParquetFile(self.path, pre_buffer=False, buffer_size=READ_BYTES)
            batches = file.iter_batches(self.step, use_threads=False)
            for block, batch in enumerate(batches, self.first):
                if block % workers == worker:
                    yield block, self._chosen(batch, (block - self.first) * self.step)
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"{self.path} cannot be read; restore the lake from a backup"
            ) from error

    def _chosen(self, batch: pa.RecordBatch, start: int) -> pa.Table:
        weights = self.weights[start : start + len(batch)]
        kept = np.flatnonzero(weights)
        rows = pa.Table.from_batches([batch]).take(kept)
        return rows.append_column(WEIGHT, pa.array(weights[kept]))


def prepare(files: PartFiles, rows: pl.DataFrame) -> list[FileRows]:
    """Find the rows of the mix in its files.

    Args:
        files: that hold the samples of its rounds.
        rows: round, row and weight of the mix.
    """
    found, first = [], 0
    for path in files.paths():
        count, step = blocks.extent(path, blocks.MAX_ROWS)
        keys = pl.scan_parquet(path, glob=False).select("round", "row").collect()
        joined = keys.join(rows, on=["round", "row"], how="left", maintain_order="left")
        found.append(FileRows(path, joined[WEIGHT].fill_null(0.0).to_numpy(), step, first))
        first += -(-count // step)
    return found


def shuffled(files: Sequence[FileRows], seed: Sequence[int] | None) -> list[FileRows]:
    """Put files into another order; None keeps them in theirs."""
    order = np.arange(len(files))
    if seed is not None:
        np.random.default_rng(seed).shuffle(order)
    return [files[number] for number in order.tolist()]


def permuted(rows: pa.Table, seed: Sequence[int] | None) -> pa.Table:
    """Put the rows of a block into another order; None keeps them in theirs."""
    if seed is None:
        return rows
    return rows.take(np.random.default_rng(seed).permutation(len(rows)))
