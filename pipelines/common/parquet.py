"""Read Parquet files that nobody trusts, unless they would become far larger in memory.

Compression, dictionaries and run lengths let kilobytes of a file become gigabytes. The size in
memory is computed from the page headers before the file is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from lake import files, panics
from lineage.schema import UNREADABLE
from pipelines.common import parquet_pages
from pipelines.common.errors import DataError

SOURCE: Final = 1 << 28
"""Bytes in memory that any table of real data may take, however small its file is."""
OURS: Final = 1 << 30
"""The same of a table that this project writes; its columns repeat one value more often."""


def read(path: Path, floor: int = OURS) -> pl.DataFrame:
    """Read a Parquet file under the bound; its name is taken literally, not as a pattern.

    Raises:
        DataError: The file is no Parquet file, or would become too large.
        OSError: The file does not exist, or is no regular file.
    """
    with files.open_regular(path) as file:
        check(path, file, floor)
    try:
        return decoded(path)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def decoded(path: Path) -> pl.DataFrame:
    """Decode a file that was checked; a damaged one raises, and prints nothing."""
    with panics.unsaid():
        return pl.read_parquet(path, glob=False)


def check(name: str | Path, file: BinaryIO, floor: int = OURS) -> None:
    """Refuse a file that would become too large.

    Args:
        name: Name of the file in messages.
        file: The file, open for reading.
        floor: Bytes in memory that it may take, however small it is.

    Raises:
        DataError: The file is no Parquet file, or would become too large.
    """
    import pyarrow as pa  # noqa: PLC0415  slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415  slow to import

    file_size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        size = parquet_pages.decoded_size(file, pq.read_metadata(file))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    bound(name, file_size, size, floor)


def bound(name: str | Path, file_size: int, size: int, floor: int = SOURCE) -> None:
    """Refuse a file that takes far more bytes in memory than it has itself.

    Args:
        name: Name of the file in messages.
        file_size: Bytes of the file.
        size: Bytes that it takes in memory.
        floor: Bytes in memory that it may take, however small it is.

    Raises:
        DataError: It takes too many.
    """
    most = files.max_decoded(file_size, floor)
    if size > most:
        raise DataError(
            f"{name} has {file_size:,} bytes and would take {size:,} in memory, more than the "
            f"{most:,} that a file of this size may; repeat less in it, or split it"
        )


def _unreadable(name: str | Path, error: Exception | pl.exceptions.PanicException) -> DataError:
    return DataError(f"{name} cannot be read as a .parquet table: {reason(error)}")


def reason(error: Exception | pl.exceptions.PanicException) -> str:
    """Say in a line why a table cannot be read."""
    if isinstance(error, pl.exceptions.PanicException):
        return "its pages are damaged; get the file again"
    return (str(error).splitlines() or ["no message"])[0]
