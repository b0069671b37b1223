"""Parquet parts of a table as local files, read in blocks of bounded size by Polars.

The parts of an embedded lake are files of this machine already; those of a lake that is served are
fetched once, into a folder that is removed with the object. So a process that reads blocks needs no
connection to a lake, and can be one of a data loader's workers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from lake import refs, tables
from lake.client import Lake
from lake.values import ObjectInfo
from lineage import schema
from pipelines.common.errors import DataError
from pipelines.rounds.parts import BLOCK_BYTES

MAX_ROWS: Final = 8192
"""Most rows of a block."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a Parquet file, one after the other."""

    path: str
    start: int
    rows: int

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read the rows, with all columns or some.

        Raises:
            SchemaError: the file cannot be read.
        """
        with schema.readable(f"the training data in {self.path}"):
            scanned = pl.scan_parquet(self.path, glob=False).slice(self.start, self.rows)
            return (scanned if columns is None else scanned.select(columns)).collect()


@dataclass(slots=True, weakref_slot=True)
class PartFiles:
    """The parts of a table at a commit, which are local files once they are asked for."""

    lake: Lake | None
    commit: str
    prefixes: Sequence[str]
    """Of the parts, in the order in which they are read."""
    _paths: list[str] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Paths of the files, in order; they are fetched at the first call.

        Raises:
            NotFoundError: the commit holds no part under one of the prefixes.
        """
        if not self._paths and self.lake is not None:
            parts = [item for prefix in self.prefixes for item in self._listed(prefix)]
            in_place = tables.paths_in_place(parts, self.lake.connection.home)
            self._paths = self._fetched(parts) if in_place is None else in_place
        return self._paths

    def blocks(self, max_rows: int = MAX_ROWS) -> Iterator[Block]:
        """Yield the blocks of all parts in order, of about `BLOCK_BYTES` in memory at most.

        Raises:
            DataError: a part is no Parquet file.
        """
        for path in self.paths():
            rows, step = extent(path, max_rows)
            for start in range(0, rows, step):
                yield Block(path, start, min(step, rows - start))

    def _listed(self, prefix: str) -> list[ObjectInfo]:
        assert self.lake is not None  # noqa: S101  for the type; `paths` asks
        items = self.lake.objects(self.commit, prefix)
        return [item for item in items if item.path.endswith(tables.SUFFIX)]

    def _fetched(self, parts: Sequence[ObjectInfo]) -> list[str]:
        assert self.lake is not None  # noqa: S101  for the type; `paths` asks
        folder = tempfile.mkdtemp(prefix="stemma-training-")
        weakref.finalize(self, _remove, folder, os.getpid())
        paths = []
        for number, item in enumerate(parts):
            path = Path(folder) / f"{number:05d}{tables.SUFFIX}"
            path.write_bytes(self.lake.read(self.commit, item.path))
            paths.append(str(path))
        return paths

    def __getstate__(self) -> tuple[str, Sequence[str], list[str]]:
        """Leave out the connection: whoever gets this in another process has the files."""
        return self.commit, self.prefixes, self.paths()

    def __setstate__(self, state: tuple[str, Sequence[str], list[str]]) -> None:
        """Take over the files of another process, which removes those that were fetched."""
        self.lake = None
        self.commit, self.prefixes, self._paths = state


def of_samples(lake: Lake, commit: str, dataset: str, rounds: Sequence[int]) -> PartFiles:
    """The accepted samples of some rounds at a commit."""
    return PartFiles(lake, commit, [refs.partition(dataset, "samples", each) for each in rounds])


def extent(path: str, max_rows: int = MAX_ROWS) -> tuple[int, int]:
    """Return the number of rows of a Parquet file, and how many of them a block may have.

    Raises:
        DataError: it is no Parquet file.
    """
    import pyarrow as pa  # noqa: PLC0415  slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415  slow to import

    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read; restore the lake from a backup") from error
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    return metadata.num_rows, max(1, min(max_rows, BLOCK_BYTES * metadata.num_rows // (size + 1)))


def _remove(folder: str, owner: int) -> None:
    """Remove fetched files, unless this is a fork of the process that fetched them."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
