"""Canonical bytes of a column: the same for equal values, however they are stored.

A value of a column contributes to a digest

    length of name (4 bytes) · name · type tag (1 byte) · length of value (8 bytes) · value

with big-endian lengths, so no two contents share their bytes by shifting a boundary. The value is
canonical for its type: integers as decimal digits (any width), floats as IEEE binary64 with one
zero and one NaN, decimals as digits without the zeros of their scale, text as UTF-8, times as
nanoseconds. Null has a tag of its own. Storage width, categories and chunks do not matter; the type
does: 1, 1.0 and "1" are three contents.

Lists and structs, which cannot be part of an identity, are encoded from the same parts: a list as
its elements, each with its tag and its length; a struct as its fields in order of their names.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from polars.datatypes import DataTypeClass

NULL: Final = b"0"
DEEPEST: Final = 32
"""Most levels of lists and structs inside of each other; no payload comes near it."""

Encoder = Callable[[pl.Series], tuple[pl.Series, pl.Series]]
"""A column to its tags and values, both binary; the value is null where the column is."""


def encoder(dtype: pl.DataType) -> Encoder | None:
    """Find the encoder of a type without parts; None if it has none."""
    return next((encode for matches, encode in ENCODERS if matches(dtype)), None)


def nested(dtype: pl.DataType, depth: int = 0) -> Encoder | None:
    """Find the encoder of any type, also of lists and structs; None if a part of it has none."""
    if depth > DEEPEST:
        return None
    if isinstance(dtype, pl.List | pl.Array):
        inner = nested(_type(dtype.inner), depth + 1)
        return None if inner is None else lambda column: _items(column, inner)
    if isinstance(dtype, pl.Struct):
        found = {field.name: nested(_type(field.dtype), depth + 1) for field in dtype.fields}
        fields = {name: encode for name, encode in sorted(found.items()) if encode is not None}
        return None if len(fields) < len(found) else lambda column: _record(column, fields)
    return encoder(dtype)


def message(column: pl.Series, encode: Encoder) -> pl.Series:
    """Encode one column with its name: binary values, never null."""
    name = column.name.encode()
    return _prefixed(len(name).to_bytes(4, "big") + name, *encode(column))


def is_image(dtype: pl.DataType) -> bool:
    """Tell whether a column holds image files: struct{bytes, path}."""
    return isinstance(dtype, pl.Struct) and {field.name: field.dtype for field in dtype.fields} == {
        "bytes": pl.Binary(),
        "path": pl.String(),
    }


def _prefixed(head: bytes, tags: pl.Series, values: pl.Series) -> pl.Series:
    """Join head, tag, length and value of each row."""
    filled = values.fill_null(b"")
    sizes = filled.bin.size().to_numpy().astype(">u8")
    lengths = pl.Series("length", _fixed(sizes.view(np.uint8).reshape(-1, 8)), dtype=pl.Binary)
    part = pl.DataFrame({"tag": tags, "length": lengths, "value": filled, "raw": values})
    tag = pl.when(pl.col("raw").is_null()).then(pl.lit(NULL)).otherwise(pl.col("tag"))
    return part.select(pl.lit(head) + tag + pl.col("length") + pl.col("value")).to_series()


def _items(column: pl.Series, encode: Encoder) -> tuple[pl.Series, pl.Series]:
    """Encode lists: the elements of each, one after the other."""
    lists = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
    sizes = lists.list.len().fill_null(0)
    elements = lists.filter(sizes > 0).explode()
    parts = _prefixed(b"", *encode(elements)).to_list()
    ends = sizes.cum_sum().to_list()
    joined = [b"".join(parts[start:end]) for start, end in pairwise([0, *ends])]
    values = pl.Series(column.name, joined, dtype=pl.Binary)
    return _constant(b"l", column), _null_like(values, column)


def _record(column: pl.Series, encoders: dict[str, Encoder]) -> tuple[pl.Series, pl.Series]:
    """Encode structs: the fields of each in order of their names."""
    values = _constant(b"", column)
    for name, encode in encoders.items():
        values = values + message(column.struct.field(name).alias(name), encode)
    return _constant(b"r", column), _null_like(values, column)


def _type(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _fixed(rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> list[bytes]:
    """Rows of a [n, k] byte array as n values."""
    whole, width = rows.tobytes(), rows.shape[1]
    return [whole[start : start + width] for start in range(0, len(whole), width)]


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


def _decimal(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Decimal digits, without the zeros that only the scale of the column adds."""
    text = pl.col("text")
    short = text.str.strip_chars_end("0").str.strip_chars_end(".")
    exact = pl.when(text.str.contains(".", literal=True)).then(short).otherwise(text)
    values = column.cast(pl.String).alias("text").to_frame().select(exact.cast(pl.Binary))
    return _constant(b"n", column), values.to_series()


def _nothing(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _constant(NULL, column), column.cast(pl.Binary)


def _null_like(values: pl.Series, column: pl.Series) -> pl.Series:
    return values.set(column.is_null(), None) if column.null_count() else values


ENCODERS: Final[tuple[tuple[Callable[[pl.DataType], bool], Encoder], ...]] = (
    (lambda dtype: dtype == pl.Boolean, _boolean),
    (lambda dtype: dtype.is_integer(), _integer),
    (lambda dtype: dtype.is_float(), _floating),
    (lambda dtype: dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum), _text),
    (lambda dtype: dtype == pl.Binary, _binary),
    (lambda dtype: isinstance(dtype, pl.Decimal), _decimal),
    (lambda dtype: dtype.is_temporal(), _time),
    (lambda dtype: dtype == pl.Null, _nothing),
)
"""The first that matches a column's type encodes it."""
