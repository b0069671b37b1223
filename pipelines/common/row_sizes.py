"""How many bytes rows take in memory, as an expression, before anybody holds them."""

from __future__ import annotations

from typing import TypeAlias

import polars as pl
from polars.datatypes import DataTypeClass

Type: TypeAlias = pl.DataType | DataTypeClass


def of_row(columns: pl.Schema) -> pl.Expr:
    """Write how many bytes each row takes: what its types take, and the length of its values.

    Args:
        columns: names and types of the columns.

    Returns:
        An expression over a table with these columns, [n] of whole numbers.
    """
    fixed = sum(map(_fixed, columns.dtypes()))
    lengths = [_length(pl.col(name), dtype) for name, dtype in columns.items()]
    told = [length for length in lengths if length is not None]
    if not told:
        return pl.repeat(fixed, pl.len(), dtype=pl.Int64).alias("bytes")
    return (pl.sum_horizontal(told) + fixed).alias("bytes")


def _fixed(dtype: Type) -> int:
    """Bytes of a value that has no length of its own."""
    return int(pl.Series([None], dtype=dtype).estimated_size())


def _length(value: pl.Expr, dtype: Type) -> pl.Expr | None:
    """Bytes of a value besides those of its type; None where there never are any."""
    if dtype == pl.String:
        return value.str.len_bytes().cast(pl.Int64)
    if dtype == pl.Binary:
        return value.bin.size().cast(pl.Int64)
    if isinstance(dtype, pl.Struct):
        fields = [_length(value.struct.field(each.name), each.dtype) for each in dtype.fields]
        told = [field for field in fields if field is not None]
        return pl.sum_horizontal(told) if told else None
    if isinstance(dtype, pl.List | pl.Array):
        return _items(value, dtype)
    return None


def _items(value: pl.Expr, dtype: pl.List | pl.Array) -> pl.Expr | None:
    """Bytes of the items of a list, as `_length`; of an array, only those besides its type's."""
    inside = _length(pl.element(), dtype.inner)
    if isinstance(dtype, pl.Array):
        return None if inside is None else value.arr.to_list().list.eval(inside).list.sum()
    each = value.list.len().cast(pl.Int64) * _fixed(dtype.inner)
    return each if inside is None else pl.sum_horizontal(each, value.list.eval(inside).list.sum())
