"""Tables that are made again: where does what the lake holds differ from it?

Lineage and scores are compared with the commit of the stage that wrote them, verdicts and decisions
with what follows from their inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import schema
from lineage.proof.rows import columns

CLOSE: Final = 1e-9
"""Largest relative difference of figures that may differ by rounding."""
PREFIX: Final = 12
"""Hex digits of binary values in a finding."""
SHOWN: Final = 60
"""Characters of a value in a finding."""
HELD: Final = "held"
MADE: Final = "made"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a table is compared with the one that is made again."""

    what: str
    """What it is made again from, as the subject of "gives": "the suite"."""
    key: Sequence[str] = ("row",)
    """Columns that identify a row, of which `row` is one; a null is a value like others."""
    close: Sequence[str] = ()
    """Columns of figures that may differ by rounding."""


def typed(table: pl.LazyFrame, wanted: pl.Schema, what: str) -> pl.LazyFrame:
    """Cast a table's columns; those that earlier releases did not write may be absent.

    Raises:
        SchemaError: a column is missing, or is of another kind.
    """
    with schema.readable(what):
        there = table.collect_schema()
    absent = [name for name in wanted if name in schema.LATER and name not in there]
    whole = table.with_columns(pl.lit(None, wanted[name]).alias(name) for name in absent)
    return columns(whole, wanted, what)


def differences(held: pl.DataFrame, made: pl.DataFrame, by: Comparison) -> pl.DataFrame:
    """Find where a table differs from the one that is made again.

    Args:
        held: what the lake holds.
        made: what it should hold, with the same columns in the same types.
        by: how they are compared.

    Returns:
        row and detail, in order of rows; what is about the whole round comes first.
    """
    key = list(by.key)
    names = [name for name in made.columns if name not in key]
    again = held.filter(pl.struct(key).is_duplicated()).unique(key, maintain_order=True)
    twice = again.select("row", _named(by, pl.lit("stands there more than once")))
    both = _numbered(held.unique(key, keep="first"), by, names, HELD).join(
        _numbered(made, by, names, MADE), on=key, how="full", coalesce=True, nulls_equal=True
    )
    details = [_differs(made.schema[name], name, at, by) for at, name in enumerate(names)]
    told = (
        pl.when(pl.col(MADE).is_null())
        .then(pl.lit(f"stands there, {by.what} gives no such row"))
        .when(pl.col(HELD).is_null())
        .then(pl.lit(f"is missing, {by.what} gives it"))
        .otherwise(pl.concat_str(details, separator="; ", ignore_nulls=True))
    )
    other = both.select("row", _named(by, told)).filter(pl.col("detail").is_not_null())
    return pl.concat([twice, other]).sort("row", maintain_order=True)


def _numbered(table: pl.DataFrame, by: Comparison, names: Sequence[str], side: str) -> pl.DataFrame:
    """Name columns by their position, since any name may be one of a data set's own columns."""
    numbered = (pl.col(name).alias(f"{side} {at}") for at, name in enumerate(names))
    return table.select(*by.key, *numbered, pl.lit(value=True).alias(side))


def _differs(dtype: pl.DataType, name: str, at: int, by: Comparison) -> pl.Expr:
    """Say how a column differs; null where it does not."""
    held, made = pl.col(f"{HELD} {at}"), pl.col(f"{MADE} {at}")
    wrong = held.ne_missing(made)
    if name in by.close:
        near = (held - made).abs() <= CLOSE * pl.max_horizontal(held.abs(), made.abs(), 1.0)
        wrong &= ~near.fill_null(value=False)
    if _is_long(dtype):
        return pl.when(wrong).then(pl.lit(f"{name} is not what {by.what} gives"))
    here, there = _shown(held, dtype), _shown(made, dtype)
    parts = pl.lit(f"{name} is "), here, pl.lit(f", {by.what} gives "), there
    return pl.when(wrong).then(pl.concat_str(parts))


def _is_long(dtype: pl.DataType) -> bool:
    """Whether values of a type are too long for a sentence."""
    return dtype.is_nested() and dtype != pl.List(pl.String)


def _shown(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Write values of a column as text."""
    if dtype == pl.Binary:
        text = column.bin.encode("hex").str.head(PREFIX)
    elif dtype.is_nested():
        joined = column.list.join(", ", ignore_nulls=True)
        text = pl.when(joined != "").then(joined)
    else:
        text = column.cast(pl.String)
    return text.str.head(SHOWN).fill_null("none")


def _named(by: Comparison, detail: pl.Expr) -> pl.Expr:
    """Add the rest of the key to a detail."""
    others = [pl.col(name).cast(pl.String) for name in by.key if name != "row"]
    named = pl.concat_str([*others, detail], separator=": ")
    return pl.when(detail != "").then(named).alias("detail")
