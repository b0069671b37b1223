"""Tables of real data, read under a bound: a small file never becomes a large one in memory.

Compression, dictionaries, run lengths, and rows with few of very many columns let kilobytes of a
file become gigabytes. What a file would become is found before it is read, from its page headers or
from its rows and columns; a limit in proportion to the file's size bounds it, so that large data
is not in its way.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from lake import files
from lineage.schema import UNREADABLE
from pipelines.common import parquet
from pipelines.common.errors import DataError
from pipelines.sources import csv_types

CELL: Final = 16
"""Bytes of a value in memory, whether it is there or not."""
COLUMN: Final = 2048
"""Bytes that a column takes by itself."""
NESTED: Final = 128
"""Bytes of a value of an object in a list, while JSON is read."""
OBJECT: Final = 512
"""Bytes that such an object takes besides."""
LIST: Final = 1024
"""Bytes that a list takes by itself, while JSON is read."""
MOST_HEADER: Final = 1 << 20
"""Bytes of the header of a CSV file."""
COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How files begin that Polars decompresses whatever their names end in: gzip, zstd, zlib."""
_CHUNK: Final = 1 << 20


def read(path: Path, *, typed_csv: bool = False) -> pl.DataFrame:
    """Read a table whose name ends in one of `READERS`.

    Args:
        path: the file.
        typed_csv: give the columns of a CSV file the types of their values.

    Raises:
        DataError: it is no regular file, cannot be read, or would become too large.
    """
    try:
        with files.open_regular(path) as file:
            frame = READERS[path.suffix.lower()](path, file)
            parquet.bound(path, file.seek(0, os.SEEK_END), int(frame.estimated_size()))
    except (*UNREADABLE, ValueError, csv.Error) as error:
        reason = (str(error).splitlines() or ["no message"])[0]
        raise DataError(f"{path} cannot be read as a {path.suffix} table: {reason}") from error
    except OSError as error:
        raise DataError(f"ingest.source {path} cannot be read: it {_why(error)}") from error
    if typed_csv and path.suffix.lower() == ".csv":
        return csv_types.typed(frame)[0]
    return frame


def _why(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason if reason.startswith("is ") else f"says {reason!r}"


def _parquet(path: Path, file: BinaryIO) -> pl.DataFrame:
    parquet.check(path, file, parquet.SOURCE)
    return pl.read_parquet(path, glob=False)


def _jsonl(path: Path, file: BinaryIO) -> pl.DataFrame:
    _not_compressed(file)
    schema = pl.scan_ndjson(_rewound(file), infer_schema_length=None).collect_schema()
    leaves = sum(_leaves(dtype) for dtype in schema.dtypes())
    size = leaves * ((_counted(file, b"\n") + 1) * CELL + COLUMN)
    if any("List" in str(dtype) for dtype in schema.dtypes()):
        objects, lists = _counted(file, b"{"), _counted(file, b"[")
        size += objects * (leaves * NESTED + OBJECT) + lists * LIST
    parquet.bound(path, file.seek(0, os.SEEK_END), size)
    return pl.read_ndjson(_rewound(file), schema=schema)


def _csv(path: Path, file: BinaryIO) -> pl.DataFrame:
    _not_compressed(file)
    text = _rewound(file).read(MOST_HEADER).decode("utf-8-sig", "replace")
    header = next(csv.reader(io.StringIO(text, newline="")), [])
    if len(text) >= MOST_HEADER and sum(len(each) + 3 for each in header) >= MOST_HEADER:
        raise ValueError(f"its header is longer than {MOST_HEADER:,} bytes")
    columns = max(len(header), text.partition("\n")[0].count(",") + 1)
    size = columns * (_counted(file, b"\n") * CELL + COLUMN)
    parquet.bound(path, file.seek(0, os.SEEK_END), size)
    return pl.read_csv(path, infer_schema=False, glob=False)


READERS: Final[Mapping[str, Callable[[Path, BinaryIO], pl.DataFrame]]] = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".csv": _csv,
}
"""How a table is read, by the end of its name; a CSV file holds texts alone."""


def _not_compressed(file: BinaryIO) -> None:
    if file.read(4).startswith(COMPRESSED):
        raise ValueError("it is compressed; unpack it first")


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def _counted(file: BinaryIO, byte: bytes) -> int:
    chunks = iter(partial(_rewound(file).read, _CHUNK), b"")
    return sum(chunk.count(byte) for chunk in chunks)


def _leaves(dtype: pl.DataType) -> int:
    """Return the leaf columns of a column."""
    if isinstance(dtype, pl.Struct):
        return sum(_leaves(pl.Series(dtype=field.dtype).dtype) for field in dtype.fields) or 1
    if isinstance(dtype, pl.List):
        return _leaves(pl.Series(dtype=dtype.inner).dtype)
    return 1
