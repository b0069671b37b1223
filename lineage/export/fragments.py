"""JSON text as column expressions: whole batches of records, without a loop over rows.

A fragment that is null is left out of its record, as a value that is not known should be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import polars as pl


def text(value: pl.Expr) -> pl.Expr:
    """Write a string as a JSON string, escaped by Polars' own writer of JSON."""
    boxed = pl.struct(value.alias("")).struct.json_encode()  # {"":"…"}
    return pl.when(value.is_not_null()).then(boxed.str.slice(4).str.head(-1))


def hexadecimal(value: pl.Expr) -> pl.Expr:
    """Write bytes as a JSON string of hex digits."""
    return pl.concat_str(pl.lit('"'), value.bin.encode("hex"), pl.lit('"'))


def typed(value: pl.Expr, datatype: str) -> pl.Expr:
    """Write a number as a literal of PROV-JSON with its datatype, such as `xsd:int`."""
    tail = f'","type":{json.dumps(datatype)}}}'
    return pl.concat_str(pl.lit('{"$":"'), value.cast(pl.String), pl.lit(tail))


def member(name: str, value: pl.Expr) -> pl.Expr:
    """Write a member of a JSON object."""
    return pl.concat_str(pl.lit(f"{json.dumps(name)}:"), value)


def own(name: str, value: pl.Expr) -> pl.Expr:
    """Write a member in the project's vocabulary."""
    return member(f"stemma:{name}", value)


def record(key: Iterable[pl.Expr | str], members: Iterable[pl.Expr]) -> pl.Expr:
    """Write a member whose value is an object: `"key":{…}`; the key must need no escape."""
    return pl.concat_str(
        pl.lit('"'),
        *map(_literal, key),
        pl.lit('":{'),
        pl.concat_str(list(members), separator=",", ignore_nulls=True),
        pl.lit("}"),
    )


def name(*parts: pl.Expr | str) -> pl.Expr:
    """Write a JSON string joined of parts that need no escape."""
    return pl.concat_str(pl.lit('"'), *map(_literal, parts), pl.lit('"'))


def lines(rows: pl.DataFrame, record: pl.Expr) -> pl.Series:
    """Render a record for each row."""
    return rows.select(record.alias("record")).to_series()


def relations(
    rows: pl.DataFrame, letter: str, number: int, members: Iterable[pl.Expr]
) -> pl.Series:
    """Render a relation for each row, under blank names such as `_:d17`, numbered from `number`."""
    numbered = rows.with_columns(pl.int_range(number, number + pl.len()).alias("relation_number"))
    key = (f"_:{letter}", pl.col("relation_number").cast(pl.String))
    return lines(numbered, record(key, members))


def _literal(part: pl.Expr | str) -> pl.Expr:
    return pl.lit(part) if isinstance(part, str) else part
