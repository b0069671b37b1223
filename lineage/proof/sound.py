"""Repairs a round that no index accepts: duplicate rows, unknown words, incomplete edges.

The index rightly refuses such a round. In a proof the fault is a finding, and the rest of the
family tree is proved all the same; the rows in question count as not provable.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl

from lineage import schema
from lineage.ancestry.source import Frames, Source
from lineage.proof.rows import PARENTS

PLACE = ("dataset", "round", "row")


def source(given: Source) -> Source:
    """Repair a round so that an index takes it: one row per number, no nulls where none may be."""
    decided = given.decisions
    return replace(
        given,
        digest=f"{given.digest} sound",
        lineage=partial(_lineage, given.lineage, given.round),
        decisions=None if decided is None else partial(_decisions, decided, given.round),
    )


def _lineage(read: Frames, number: int) -> pl.LazyFrame:
    ids, sample_kind = pl.col("sample_id"), pl.col("kind").cast(pl.String)
    parents = pl.col("parents").cast(PARENTS).list.eval(_parent().filter(_placed()))
    return _one_each(read(), number).with_columns(
        pl.when(ids.bin.size() == schema.ID_BYTES)
        .then(ids)
        .otherwise(pl.lit(bytes(schema.ID_BYTES))),
        pl.when(sample_kind.is_in(schema.KINDS))
        .then(sample_kind)
        .otherwise(pl.lit("synthetic"))
        .alias("kind"),
        parents.fill_null(pl.lit([], dtype=schema.PARENTS)).cast(schema.PARENTS),
    )


def _decisions(read: Frames, number: int) -> pl.LazyFrame:
    return _one_each(read(), number).filter(pl.col("decision").is_in(schema.OUTCOMES))


def _one_each(rows: pl.LazyFrame, number: int) -> pl.LazyFrame:
    """Cast the key columns, and keep one row for each key of this round."""
    types = [name for name in schema.SAMPLE_KEY if name in rows.collect_schema()]
    typed = rows.with_columns(
        pl.col(name).cast(schema.SAMPLE_KEY[name], strict=False) for name in types
    )
    here = (pl.col("round") == number) & pl.col("row").is_not_null()
    return typed.filter(here).unique("row", keep="first", maintain_order=True)


def _placed() -> pl.Expr:
    """Whether an edge locates its parent."""
    return pl.all_horizontal(pl.element().struct.field(name).is_not_null() for name in PLACE)


def _parent() -> pl.Expr:
    """Complete an edge with a valid relation and weight."""
    field = pl.element().struct.field
    relation = field("relation")
    return pl.struct(
        *(field(name) for name in PLACE),
        pl.when(relation.is_in(schema.RELATIONS))
        .then(relation)
        .otherwise(pl.lit("seed"))
        .alias("relation"),
        field("weight").fill_null(0.0),
    )
