"""Search for a text in the payload of a round's candidates."""

from __future__ import annotations

import re
from typing import Final

import polars as pl
from polars.datatypes import DataTypeClass

from pipelines.features import images

KEY: Final = ("round", "row", "sample_id")
PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")
"""As much of a sample id in hex as names one."""


def holding(
    candidates: pl.LazyFrame, text: str | None, lineage: pl.LazyFrame
) -> list[pl.LazyFrame]:
    """Select the rows that hold a text, in upper or lower case, or whose id begins with it.

    Args:
        candidates: row and payload.
        text: what is searched for; None: nothing.
        lineage: row and sample_id.

    Returns:
        A frame with the column row; none where nothing is searched for.
    """
    if text is None:
        return []
    found = lineage.select("row").clear()
    schema = candidates.collect_schema()
    holds = [
        _holds(pl.col(name), dtype, text.lower())
        for name, dtype in schema.items()
        if name not in KEY
    ]
    conditions = [condition for condition in holds if condition is not None]
    if conditions:
        found = candidates.filter(pl.any_horizontal(conditions)).select("row")
    if PREFIX.fullmatch(text.lower()):
        begins = pl.col("sample_id").bin.encode("hex").str.starts_with(text.lower())
        found = pl.concat([found, lineage.filter(begins).select("row")], how="vertical_relaxed")
    return [found.unique()]


def _holds(column: pl.Expr, dtype: pl.DataType, text: str) -> pl.Expr | None:
    """Whether a column holds a text, nested ones too; None where it has no place for texts."""
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        lowered = column.cast(pl.String).str.to_lowercase()
        return lowered.str.contains(text, literal=True).fill_null(value=False)
    if isinstance(dtype, pl.Array):
        column, dtype = column.arr.to_list(), pl.List(dtype.inner)
    if isinstance(dtype, pl.List):
        inner = _holds(pl.element(), _instance(dtype.inner), text)
        return None if inner is None else column.list.eval(inner).list.any().fill_null(value=False)
    if isinstance(dtype, pl.Struct) and dtype != images.IMAGE:
        fields = [
            _holds(column.struct.field(field.name), _instance(field.dtype), text)
            for field in dtype.fields
        ]
        found = [condition for condition in fields if condition is not None]
        return pl.any_horizontal(found) if found else None
    return None


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype
