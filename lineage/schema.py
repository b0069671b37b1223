"""The columns of lineage, verdicts and decisions; no other module defines them.

A frame that enters or leaves this package passes `conform`, so that a wrong column is found where
it is made and not three stages later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import polars as pl

from lineage.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

ID_BYTES: Final = 32
"""Bytes of a sample id, which is a SHA-256 digest."""

KINDS: Final = ("real", "synthetic", "edited")
RELATIONS: Final = ("seed", "edited")
SEVERITIES: Final = ("critical", "warning", "info")
OUTCOMES: Final = ("accepted", "rejected", "duplicate", "surplus")
"""Decisions; a surplus row would have been accepted, and is one more than was asked for."""
SIMULATED: Final = "simulated/1"
"""Attribution of rows that code makes of a seed alone: it learnt from no data, real or unknown."""

OCCURRENCE: Final = pl.Struct({"dataset": pl.String, "round": pl.Int32, "row": pl.Int64})
"""A node of the family tree: data set, round and row."""

PARENTS: Final = pl.List(
    pl.Struct(
        {
            "dataset": pl.String,
            "round": pl.Int32,
            "row": pl.Int64,
            "relation": pl.Enum(RELATIONS),
            "weight": pl.Float32,
        }
    )
)

UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""Exceptions of Polars for a table that is malformed; its decoders also panic at hostile bytes."""
SHOWN: Final = 200
"""Characters of a foreign message that are quoted."""

SAMPLE_KEY: Final = pl.Schema({"round": pl.Int32, "row": pl.Int64, "sample_id": pl.Binary})
"""Columns that every sample and candidate has beside its payload."""

LINEAGE: Final = pl.Schema(
    {
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "kind": pl.Enum(KINDS),
        "parents": PARENTS,
        "generator": pl.String(),
        "attribution": pl.String(),
        "trained_on": pl.String(),
        "seed": pl.Int64(),
        "shard": pl.Int32(),
        "prompt_digest": pl.Binary(),
        "source": pl.String(),
        "licence": pl.String(),
        "real_inputs": pl.Float32(),
        "real_roots": pl.Float32(),
        "depth_mean": pl.Float32(),
        "depth_min": pl.Int32(),
        "depth_max": pl.Int32(),
    }
)
LINEAGE_REQUIRED: Final = (
    "round",
    "row",
    "sample_id",
    "kind",
    "parents",
    "real_inputs",
    "real_roots",
)

VERDICTS: Final = pl.Schema(
    {
        "round": pl.Int32,
        "row": pl.Int64,
        "expectation": pl.String,
        "severity": pl.String,
        "verdict": pl.String,
        "observed": pl.Float64,
        "detail": pl.String,
    }
)
"""One row per candidate and expectation; `row` is null where the whole round is judged."""

DECISIONS: Final = pl.Schema(
    {
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "decision": pl.String(),
        "reasons": pl.List(pl.String()),
        "warnings": pl.List(pl.String()),
        "duplicate_of": OCCURRENCE,
        "columns_digest": pl.Binary(),
    }
)
"""`columns_digest` covers the columns that the id leaves out (`lineage.payload`)."""

DIGESTS: Final = ("sample_id", "columns_digest")
"""Columns of SHA-256 digests."""
LATER: Final = ("columns_digest",)
"""Columns that tables of earlier releases lack; there they are null."""


def conform(
    frame: pl.DataFrame, schema: pl.Schema, *, required: Sequence[str] = (), extra: bool = False
) -> pl.DataFrame:
    """Check a frame against a schema; return its columns in the schema's order and types.

    Args:
        frame: what a writer made.
        schema: names and types it must have; a column of another type is cast if no value changes.
        required: columns in which no value may be null.
        extra: drop columns that the schema does not know instead of refusing them.

    Raises:
        SchemaError: names the column that is missing, unknown, of another type, null where it must
            not be, or a digest of the wrong length.
    """
    unknown = [name for name in frame.columns if name not in schema]
    if unknown and not extra:
        raise SchemaError(f"column {unknown[0]!r} is unknown; known: {', '.join(schema)}")
    absent = [name for name in schema if name in LATER and name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, schema[name]).alias(name) for name in absent)
    for name, dtype in schema.items():
        if name not in frame.columns:
            raise SchemaError(f"column {name!r} ({dtype}) is missing; add it")
    result = frame.select(_cast(frame[name], dtype) for name, dtype in schema.items())
    for name in required:
        if result[name].null_count():
            position = result[name].is_null().arg_max()
            raise SchemaError(
                f"column {name!r} is null at position {position}; it must have a value"
            )
    for name in DIGESTS:
        if name in schema:
            _check_digests(result[name])
    return result


def typed(frame: pl.LazyFrame, wanted: pl.Schema) -> pl.LazyFrame:
    """Select and cast the columns of a table that is not read yet.

    A value that does not fit its type is an error when the table is read (`readable`).

    Raises:
        SchemaError: a column is missing, or is of another kind.
    """
    there = frame.collect_schema()
    for name, dtype in wanted.items():
        if name not in there:
            raise SchemaError(f"column {name!r} ({dtype}) is missing; add it")
        if there[name].is_nested() and not dtype.is_nested():
            given_type = str(there[name])[:SHOWN]
            raise SchemaError(
                f"column {name!r} is {given_type}, not {dtype}; cast it where it is made"
            )
    return frame.select(
        pl.col(name) if there[name] == dtype else pl.col(name).cast(dtype)
        for name, dtype in wanted.items()
    )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Translate Polars' errors inside of the block into one that says which table cannot be read.

    Args:
        what: is read inside, such as "the lineage of round 3 of digits".

    Raises:
        SchemaError: it is no table, lacks a column, or has one that cannot be used as it should.
    """
    try:
        yield
    except UNREADABLE as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:SHOWN]
        raise SchemaError(f"{what} cannot be read: {reason}") from error


def to_arrow(schema: pl.Schema) -> pa.Schema:
    """Convert to an Arrow schema, with digests as fixed-size binary(32)."""
    import pyarrow as pa  # noqa: PLC0415  only readers outside Polars need it

    arrow = pl.DataFrame(schema=schema).to_arrow().schema
    for name in DIGESTS:
        if name in schema:
            position = arrow.get_field_index(name)
            arrow = arrow.set(position, pa.field(name, pa.binary(ID_BYTES)))
    return arrow


def unique_key(frame: pl.DataFrame, columns: Sequence[str], what: str) -> None:
    """Check that no two rows have the same key.

    Raises:
        SchemaError: names the first key that comes twice.
    """
    twice = frame.select(columns).filter(pl.struct(columns).is_duplicated())
    if not twice.is_empty():
        first = ", ".join(f"{name} {value}" for name, value in twice.row(0, named=True).items())
        raise SchemaError(f"{what} names {first} more than once; keep one row for each")


def _cast(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    if column.dtype == dtype:
        return column
    given_type = str(column.dtype)[:SHOWN]
    wrong = f"column {column.name!r} is {given_type}, not {dtype}; cast it where it is made"
    try:
        cast = column.cast(dtype, strict=True)
    except UNREADABLE as error:
        raise SchemaError(wrong) from error
    if cast.dtype != dtype:  # of a struct, Polars casts the fields
        raise SchemaError(wrong)
    if column.dtype.is_float() and cast.dtype.is_integer() and (cast != column).any():
        raise SchemaError(wrong)
    return cast


def _check_digests(digests: pl.Series) -> None:
    size = digests.bin.size()
    if (size != ID_BYTES).any():
        position = (size != ID_BYTES).arg_max() or 0
        made = "identity.sample_ids" if digests.name == "sample_id" else "payload.columns_digests"
        raise SchemaError(
            f"the {digests.name} at position {position} has {size[position]} bytes, not "
            f"{ID_BYTES}; make it with lineage.{made}"
        )
