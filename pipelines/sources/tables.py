"""Tables of real data, read under a bound: a small file never becomes a large one in memory.

Compression, dictionaries, run lengths, and rows with few of very many columns let kilobytes of a
file become gigabytes. What a file would become is found before it is read, from its page headers or
from its rows and columns; a limit in proportion to the file's size bounds it, so that large data
is not in its way.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from lake import files
from lineage.schema import UNREADABLE
from pipelines.common import parquet
from pipelines.common.errors import DataError
from pipelines.sources.account import Account
from pipelines.sources.formats import csv_files, csv_types, json_files, text_encoding

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
COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How files begin that Polars decompresses whatever their names end in: gzip, zstd, zlib."""
TYPED: Final = (".csv", ".tsv")
"""Tables whose columns have the types of their values, if a modality wants that."""
ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK: Final = 1 << 20
Read: TypeAlias = tuple[pl.DataFrame, tuple[str, ...]]
"""Rows, and what was found out about their file, in predicates."""
Shards: TypeAlias = tuple[pl.DataFrame, Account]
"""Rows of several files, and what is to be said of them."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and what had to be found out to read it."""

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    """Whole sentences."""


def read(path: Path, *, typed_csv: bool = False) -> Table:
    """Read a table whose name ends in one of `READERS`.

    Args:
        path: the file.
        typed_csv: give the columns of a CSV file the types of their values.

    Raises:
        DataError: it is no regular file, cannot be read, or would become too large.
    """
    suffix = path.suffix.lower()
    try:
        with files.open_regular(path) as file:
            frame, found = READERS[suffix](path, file)
            parquet.bound(path, file.seek(0, os.SEEK_END), int(frame.estimated_size()))
    except (*UNREADABLE, ValueError, csv.Error, pa.ArrowException) as error:
        reason = parquet.reason(error)
        raise DataError(f"{path} cannot be read as a {suffix} table: {reason}") from error
    except OSError as error:
        raise DataError(f"ingest.source {path} cannot be read: it {_why(error)}") from error
    notes = [f"{path} {each}" for each in found]
    if typed_csv and suffix in TYPED:
        frame, found_types = _typed(path, frame)
        notes += found_types
    return Table(frame, tuple(notes))


def read_all(source: str, paths: Mapping[str, Path], *, typed_csv: bool = False) -> Shards:
    """Read several tables as one.

    Args:
        source: what params.yaml says.
        paths: files by the names that they have in messages.
        typed_csv: as for `read`; types are those that the values of all files have.

    Raises:
        DataError: as `read`; or files have columns of other types, or together become too large.
    """
    parts: list[tuple[str, pl.DataFrame]] = []
    notes: list[str] = []
    sizes = [0, 0]
    for name, path in paths.items():
        table = read(path)
        sizes[0] += path.stat().st_size
        sizes[1] += int(table.frame.estimated_size())
        parquet.bound(source, *sizes)
        parts.append((name, table.frame))
        notes += table.notes
    frame, account = joined(source, parts)
    if typed_csv and all(path.suffix.lower() in TYPED for path in paths.values()):
        frame, found = _typed(source, frame)
        notes += found
    return frame, account + Account(notes=tuple(notes))


def joined(source: str, parts: Sequence[tuple[str, pl.DataFrame]]) -> Shards:
    """Put tables below each other; a column that some lack is null there, and that is said.

    Raises:
        DataError: a column has other types in other files.
    """
    types: dict[str, tuple[str, pl.DataType]] = {}
    for name, frame in parts:
        for column, dtype in frame.schema.items():
            first, known = types.setdefault(column, (name, dtype))
            if known == pl.Null:
                types[column] = (name, dtype)
            elif dtype not in (known, pl.Null) and not (known.is_numeric() and dtype.is_numeric()):
                raise DataError(
                    f"{source}: column {column!r} is {dtype} in {name} and {known} in {first}; "
                    "give it one type"
                )
    lacking = {column: sum(column not in frame.columns for _, frame in parts) for column in types}
    notes = tuple(
        f"{source}: {count:,} of {len(parts):,} files have no column {column!r}; it is null there"
        for column, count in lacking.items()
        if count
    )
    counts = tuple((name, len(frame)) for name, frame in parts)
    frame = pl.concat([frame for _, frame in parts], how="diagonal_relaxed")
    return frame, Account(notes=notes, files=counts if len(parts) > 1 else ())


def _typed(name: object, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Give the columns of a CSV file the types of their values."""
    typed, missing = csv_types.typed(frame)
    return typed, [
        f"{name}: column {column!r} has no value in {count:,} rows that say so in a word, "
        "such as NA"
        for column, count in missing.items()
    ]


def _why(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason if reason.startswith("is ") else f"says {reason!r}"


def _parquet(path: Path, file: BinaryIO) -> Read:
    parquet.check(path, file, parquet.SOURCE)
    return parquet.decoded(path), ()


def _arrow(path: Path, file: BinaryIO) -> Read:
    """Read an Arrow file. Its batches tell their size before they are decompressed by LZ4 alone."""
    size = file.seek(0, os.SEEK_END)
    if _counted(file, ZSTD):
        raise ValueError("it is compressed by zstd; write it without, or as Parquet")
    total = 0
    with pa.ipc.open_file(_rewound(file)) as reader:
        for number in range(reader.num_record_batches):
            total += reader.get_batch(number).nbytes
            parquet.bound(path, size, total)
        return pl.DataFrame(reader.read_all()), ()


def _json(path: Path, file: BinaryIO) -> Read:
    _not_compressed(file)
    size = file.seek(0, os.SEEK_END)
    text, found = text_encoding.utf8(file)
    rows, changed = json_files.lines(text)
    try:
        frame = _ndjson(path, rows, size)
    except UNREADABLE:
        json_files.refuse_lines(rows)
        raise
    json_files.check(rows, frame)
    return frame, (*found, *changed)


def _ndjson(path: Path, file: BinaryIO, file_size: int) -> pl.DataFrame:
    schema = pl.scan_ndjson(_rewound(file), infer_schema_length=None).collect_schema()
    leaves = sum(_leaves(dtype) for dtype in schema.dtypes())
    size = leaves * ((_counted(file, b"\n") + 1) * CELL + COLUMN)
    if any("List" in str(dtype) for dtype in schema.dtypes()):
        objects, lists = _counted(file, b"{"), _counted(file, b"[")
        size += objects * (leaves * NESTED + OBJECT) + lists * LIST
    parquet.bound(path, file_size, size)
    return pl.read_ndjson(_rewound(file), schema=schema)


def _csv(path: Path, file: BinaryIO) -> Read:
    _not_compressed(file)
    file_size = file.seek(0, os.SEEK_END)
    text, found = text_encoding.utf8(file)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    names, separator = csv_files.header(text, usual)
    size = len(names) * (_counted(text, b"\n") * CELL + COLUMN)
    parquet.bound(path, file_size, size)
    frame, changed = csv_files.read(text, names, separator, usual)
    return frame, (*found, *changed)


READERS: Final[Mapping[str, Callable[[Path, BinaryIO], Read]]] = {
    ".parquet": _parquet,
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".arrow": _arrow,
    ".feather": _arrow,
}
"""How a table is read, by the end of its name."""


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
