"""Parquet files that somebody else wrote, read only if they do not become much more than they are.

Compression, dictionaries and run lengths let kilobytes of a file become gigabytes. What it would
become is found from its page headers before it is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from lake import files
from lineage.schema import UNREADABLE
from pipelines.common import parquet_pages
from pipelines.common.errors import DataError

SOURCE: Final = 1 << 28
"""Bytes in memory that any table of real data may become, however small its file is."""
OURS: Final = 1 << 30
"""The same of a table that this project writes; its columns repeat one value more often."""


def read(path: Path, floor: int = OURS) -> pl.DataFrame:
    """Read a file under the bound; its name is a name, not a pattern.

    Raises:
        DataError: it is no Parquet file, or would become too large.
        OSError: it is not there, or no regular file.
    """
    with files.opened(path) as file:
        check(path, file, floor)
    try:
        return pl.read_parquet(path, glob=False)
    except UNREADABLE as error:
        said = (str(error).splitlines() or ["no message"])[0]
        raise DataError(f"{path} cannot be read as a .parquet table: {said}") from error


def check(name: str | Path, file: BinaryIO, floor: int = OURS) -> None:
    """Refuse a file that would become too large.

    Args:
        name: by which it is refused.
        file: open for reading.
        floor: bytes in memory that it may become, however small it is.

    Raises:
        DataError: it is no Parquet file, or would become too large.
    """
    import pyarrow as pa  # noqa: PLC0415  slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415  slow to import

    there = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        size = parquet_pages.decoded_size(file, pq.read_metadata(file))
    except (pa.ArrowException, OSError, ValueError) as error:
        said = (str(error).splitlines() or ["no message"])[0]
        raise DataError(f"{name} cannot be read as a .parquet table: {said}") from error
    bound(name, there, size, floor)


def bound(name: str | Path, there: int, size: int, floor: int = SOURCE) -> None:
    """Refuse a file that takes much more in memory than it has bytes.

    Args:
        name: by which it is refused.
        there: bytes that it has.
        size: bytes that it takes in memory.
        floor: as `check`.

    Raises:
        DataError: it takes too much.
    """
    most = files.most_decoded(there, floor)
    if size > most:
        raise DataError(
            f"{name} has {there:,} bytes and would take {size:,} in memory, more than the "
            f"{most:,} that a file of this size may; repeat less in it, or split it"
        )
