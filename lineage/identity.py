"""What a sample is: a digest of its content, the same wherever and however it is stored.

A `sample_id` is SHA-256 over the data set's identity columns in order of their names. Each column
contributes

    length of name (4 bytes) · name · type tag (1 byte) · length of value (8 bytes) · value

with big-endian lengths, so no two contents share their bytes by shifting a boundary. The value is
canonical for its type: integers as decimal digits (any width), floats as IEEE binary64 with one
zero and one NaN, text as UTF-8, times as nanoseconds, images as decoded pixels with mode and shape.
Null has a tag of its own, so it differs from empty text. Storage width, categories, chunks, row
order and column order do not matter; the type does: 1, 1.0 and "1" are three contents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from lineage import pictures
from lineage.errors import IdentityError

VERSION: Final = b"stemma-id/1"
"""First bytes of everything hashed, so that another encoding can never give the same id."""
BLOCK: Final = 65_536
"""Rows encoded at once: memory stays bounded whatever the frame's length."""
NULL: Final = b"0"

Encoder = Callable[[pl.Series], tuple[pl.Series, pl.Series]]
"""A column to its tags and values, both binary; the value is null where the column is."""
Message = Iterable[bytes]
"""What is hashed of one row and column, in pieces."""


def sample_ids(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Identify each row by the content of the given columns.

    Args:
        frame: n rows; a column of type struct{bytes, path} is an image.
        columns: the data set's identity columns, in any order.

    Returns:
        Binary series `sample_id` of n digests of 32 bytes.

    Raises:
        IdentityError: names the column that is missing or named twice, its type if it has no
            canonical bytes, or the row of an image that is kept outside the frame.
    """
    names = sorted(columns)
    if not names or len(set(names)) != len(names):
        raise IdentityError("identity needs one or more columns, each named once")
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise IdentityError(
            f"identity column {missing[0]!r} is missing; the frame has {', '.join(frame.columns)}"
        )
    images = {name for name in names if _is_image(frame.schema[name])}
    encoders = {name: encoder(name, frame.schema[name]) for name in names if name not in images}
    digests: list[bytes] = []
    for start in range(0, len(frame), BLOCK):
        block = frame.slice(start, BLOCK)
        if not images:
            digests += _digest([_column(block[name], encoders[name]) for name in names])
            continue
        messages = (
            _images(block[name]) if name in images else _texts(block[name], encoders[name])
            for name in names
        )
        digests += _digest_rows(zip(*messages, strict=True))
    return pl.Series("sample_id", digests, dtype=pl.Binary)


def encoder(name: str, dtype: pl.DataType) -> Encoder:
    """Find the encoder that turns a type into canonical bytes.

    Raises:
        IdentityError: it does not.
    """
    for matches, encode in ENCODERS:
        if matches(dtype):
            return encode
    raise IdentityError(
        f"identity column {name!r} has type {dtype}, which has no canonical bytes; use text, "
        "numbers, booleans, times, binary or images"
    )


def _column(column: pl.Series, encode: Encoder) -> pl.Series:
    """Length-prefixed bytes of one column, never null."""
    name = column.name.encode()
    head = len(name).to_bytes(4, "big") + name
    tags, values = encode(column)
    filled = values.fill_null(b"")
    sizes = filled.bin.size().to_numpy().astype(">u8")
    lengths = pl.Series("length", _fixed(sizes.view(np.uint8).reshape(-1, 8)), dtype=pl.Binary)
    part = pl.DataFrame({"tag": tags, "length": lengths, "value": filled, "raw": values})
    tag = pl.when(pl.col("raw").is_null()).then(pl.lit(NULL)).otherwise(pl.col("tag"))
    return part.select(pl.lit(head) + tag + pl.col("length") + pl.col("value")).to_series()


def _fixed(rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> list[bytes]:
    """Rows of a [n, k] byte array as n values."""
    whole, width = rows.tobytes(), rows.shape[1]
    return [whole[start : start + width] for start in range(0, len(whole), width)]


def _digest(parts: Sequence[pl.Series]) -> list[bytes]:
    """Hash each row's parts, one column after the other."""
    frame = pl.DataFrame([part.alias(str(position)) for position, part in enumerate(parts)])
    joined = frame.select(sum((pl.col(name) for name in frame.columns), start=pl.lit(VERSION)))
    sha256 = hashlib.sha256
    return [sha256(message).digest() for message in joined.to_series().to_list()]


def _digest_rows(rows: Iterable[tuple[Message, ...]]) -> Iterator[bytes]:
    """Hash each row piece by piece: the pixels of one image alone are in memory."""
    for row in rows:
        digest = hashlib.sha256(VERSION)
        for message in row:
            for piece in message:
                digest.update(piece)
        yield digest.digest()


def _texts(column: pl.Series, encode: Encoder) -> Iterator[Message]:
    """The bytes of a column that is no image, row by row."""
    return ((message,) for message in _column(column, encode))


def _constant(tag: bytes, column: pl.Series) -> pl.Series:
    return pl.select(pl.repeat(tag, len(column), dtype=pl.Binary)).to_series()


def _boolean(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    text = column.cast(pl.Int8).cast(pl.String).cast(pl.Binary)
    return _constant(b"b", column), text


def _integer(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _constant(b"i", column), column.cast(pl.String).cast(pl.Binary)


def _floating(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    numbers = column.cast(pl.Float64).fill_null(0.0).to_numpy().astype(">f8") + 0.0
    numbers[np.isnan(numbers)] = np.nan
    values = pl.Series(_fixed(numbers.astype(">f8").view(np.uint8).reshape(-1, 8)), dtype=pl.Binary)
    return _constant(b"f", column), _null_like(values, column)


def _text(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _constant(b"s", column), column.cast(pl.String).cast(pl.Binary)


def _binary(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _constant(b"y", column), column


def _time(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Days, or nanoseconds since the epoch, midnight or the start of a duration."""
    dtype = column.dtype
    unit = getattr(dtype, "time_unit", None)
    scale = {"ms": 1_000_000, "us": 1_000}.get(str(unit), 1)
    physical = column.to_physical().cast(pl.Int128).to_frame("count")
    counts = physical.select(pl.col("count") * pl.lit(scale, pl.Int128)).to_series()
    aware = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
    tag = (
        b"z"
        if aware
        else {"Date": b"d", "Datetime": b"t", "Time": b"h"}.get(dtype.base_type().__name__, b"u")
    )
    return _constant(tag, column), counts.cast(pl.String).cast(pl.Binary)


def _images(column: pl.Series) -> Iterator[Message]:
    """The bytes of a column of images, decoded row by row as they are asked for."""
    data = column.struct.field("bytes")
    outside = data.is_null() & column.struct.field("path").is_not_null() & column.is_not_null()
    if outside.any():
        raise IdentityError(
            f"identity column {column.name!r} has an image by path only ({outside.sum()} of "
            f"{len(column)} rows); read its bytes into the column"
        )
    name = column.name.encode()
    head = len(name).to_bytes(4, "big") + name
    return (_image(head, file) for file in data)


def _image(head: bytes, data: bytes | None) -> Message:
    tag, parts = (NULL, []) if data is None else pictures.pieces(data)
    return head, tag, sum(map(len, parts)).to_bytes(8, "big"), *parts


def _nothing(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _constant(NULL, column), column.cast(pl.Binary)


def _null_like(values: pl.Series, column: pl.Series) -> pl.Series:
    return values.set(column.is_null(), None) if column.null_count() else values


def _is_image(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Struct) and {field.name: field.dtype for field in dtype.fields} == {
        "bytes": pl.Binary(),
        "path": pl.String(),
    }


ENCODERS: Final[tuple[tuple[Callable[[pl.DataType], bool], Encoder], ...]] = (
    (lambda dtype: dtype == pl.Boolean, _boolean),
    (lambda dtype: dtype.is_integer(), _integer),
    (lambda dtype: dtype.is_float(), _floating),
    (lambda dtype: dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum), _text),
    (lambda dtype: dtype == pl.Binary, _binary),
    (lambda dtype: dtype.is_temporal(), _time),
    (lambda dtype: dtype == pl.Null, _nothing),
)
"""The first that matches a column's type encodes it."""
