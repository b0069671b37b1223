"""Search for a text in the payload of a round's candidates."""

from __future__ import annotations

import json
import re
from typing import Final

import polars as pl

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
    holds = [_holds(name, dtype, text.lower()) for name, dtype in schema.items()]
    conditions = [condition for condition in holds if condition is not None]
    if conditions:
        found = candidates.filter(pl.any_horizontal(conditions)).select("row")
    if PREFIX.fullmatch(text.lower()):
        begins = pl.col("sample_id").bin.encode("hex").str.starts_with(text.lower())
        found = pl.concat([found, lineage.filter(begins).select("row")], how="vertical_relaxed")
    return [found.unique()]


def _holds(name: str, dtype: pl.DataType, text: str) -> pl.Expr | None:
    """Whether a column holds a text; None where it holds no texts."""
    column = pl.col(name)
    if name in KEY or dtype == images.IMAGE:
        return None
    if dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    elif isinstance(dtype, pl.Struct | pl.List):
        # Texts in nested values are searched in their JSON, where some characters are escaped.
        inner = pl.struct(column)
        text = json.dumps(text, ensure_ascii=False)[1:-1]
        column = inner.struct.json_encode()
    elif dtype != pl.String:
        return None
    return column.str.to_lowercase().str.contains(text, literal=True).fill_null(value=False)
