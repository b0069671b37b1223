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


def _literal(part: pl.Expr | str) -> pl.Expr:
    return pl.lit(part) if isinstance(part, str) else part
