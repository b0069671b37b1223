"""The payload of samples: is it what their ids name, and what was decided on?

An id names the identity columns, and every other check compares ids alone. Here ids are computed
again from the payload. The columns that no id covers are compared with the digest that the decision
on each candidate states; real data has no decisions, so its manifest states one digest of all.

A table is read block by block. What is kept of a row is its number and its digests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from lineage import payload, schema
from lineage.errors import IdentityError, SchemaError
from lineage.payload import COLUMN
from lineage.proof.findings import Batch, about_round, batch, unprovable
from lineage.proof.rows import collect, columns
from lineage.proof.tables import Tables

PREFIX: Final = 12
"""Hex digits of a digest in a finding."""
NO_IDENTITY: Final = "the manifest of the real data names no identity columns"
NOT_STATED: Final = "no digest of these columns was stated when they were written"
OWN: Final = "own"
"""The id as the payload gives it, beside `sample_id` as it is stored."""
SEEN: Final = pl.Schema(
    {"row": pl.Int64(), "sample_id": pl.Binary(), OWN: pl.Binary(), COLUMN: pl.Binary()}
)


def prove(tables: Tables) -> Iterator[Batch]:
    """Check the payload of a round's samples against their ids, and against what was decided on."""
    samples, round_id = tables.samples, (tables.dataset, tables.round)
    if samples is None:
        return
    if not tables.identity:
        count = collect(samples.select(pl.len())).item()
        for check in ("payload", "columns"):
            yield unprovable(check, count, NO_IDENTITY, *round_id)
        return
    try:
        seen = digests(samples, tables.identity, f"the payload of {tables.what}")
    except (IdentityError, SchemaError) as error:
        yield about_round("payload", f"has a payload that gives no ids: {error}", *round_id)
        return
    yield batch("payload", len(seen), replaced(seen), *round_id)
    if tables.round == 0:
        yield _real(tables, seen)
    else:
        names = payload.others(samples.collect_schema().names(), tables.identity)
        yield from _decided(tables, seen, names)


def digests(table: pl.LazyFrame, identity: Sequence[str], what: str) -> pl.DataFrame:
    """Digest the payload of a table again, block by block: row, sample_id, own, columns_digest.

    Raises:
        IdentityError: an identity column is missing, or a column has no canonical bytes.
        SchemaError: the table cannot be read.
    """
    parts = [SEEN.to_frame()]
    for block in payload.blocks(table, what):
        with schema.readable(what):
            found = payload.digests(block, identity).rename({"sample_id": OWN})
            stored = block["sample_id"].cast(pl.Binary, strict=False)
            row = pl.col("row").cast(pl.Int64, strict=False)
            parts.append(found.with_columns(row, stored).select(SEEN.names()))
    return pl.concat(parts)


def replaced(seen: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose payload is another content than their id names: row, sample_id, detail.

    Args:
        seen: what `digests` gives.
    """
    own = pl.col(OWN).bin.encode("hex").str.head(PREFIX)
    detail = pl.format("has a payload whose id is {}, not the one that is stored", own)
    other = seen.filter(pl.col(OWN).ne_missing(pl.col("sample_id"))).sort("row")
    return other.select("row", "sample_id", detail.alias("detail"))


def altered(seen: pl.DataFrame, decided: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Find rows whose other columns are not those that were decided on: row, sample_id, detail.

    Args:
        seen: what `digests` gives.
        decided: row and columns_digest, as decisions state them.
        names: the payload columns that ids do not cover.
    """
    both = seen.join(decided.rename({COLUMN: "stated"}), on="row", how="inner")
    other = both.filter(pl.col(COLUMN) != pl.col("stated")).sort("row")
    here, there = (pl.col(name).bin.encode("hex").str.head(PREFIX) for name in (COLUMN, "stated"))
    detail = pl.format(
        "has {} that was not decided on: the digest is {}, the decision states {}",
        pl.lit(", ".join(names)[: schema.SHOWN] if names else "a path of an image"),
        here,
        there,
    )
    return other.select("row", "sample_id", detail.alias("detail"))


def _real(tables: Tables, seen: pl.DataFrame) -> Batch:
    """Compare the payload of real data with the digest that its manifest states."""
    round_id = tables.dataset, tables.round
    if tables.payload is None:
        return unprovable("columns", len(seen), NOT_STATED, *round_id)
    own = payload.digest(seen.drop("sample_id").rename({OWN: "sample_id"}))
    if own == tables.payload:
        return batch("columns", len(seen), seen.clear().with_columns(detail=pl.lit("")), *round_id)
    detail = (
        f"holds {len(seen):,} rows with the digest {own[:PREFIX]}, its manifest states "
        f"{tables.payload[:PREFIX]}"
    )
    return about_round("columns", detail, *round_id)


def _decided(tables: Tables, seen: pl.DataFrame, names: Sequence[str]) -> Iterator[Batch]:
    """Compare the other columns of samples with the digests that the decisions state."""
    round_id = tables.dataset, tables.round
    wanted = seen.clear().lazy() if tables.decisions is None else tables.decisions
    digests_of = stated(wanted, f"the decisions of {tables.what}")
    matched = seen.join(digests_of, on="row", how="semi")
    if len(seen) > len(matched):
        yield unprovable("columns", len(seen) - len(matched), NOT_STATED, *round_id)
    yield batch("columns", len(matched), altered(seen, digests_of, names), *round_id)


def stated(decisions: pl.LazyFrame, what: str) -> pl.DataFrame:
    """Read the digests that decisions state: row, columns_digest; without rows that state none.

    Raises:
        SchemaError: the decisions cannot be read.
    """
    wanted = pl.Schema({"row": pl.Int64(), COLUMN: pl.Binary()})
    with schema.readable(what):
        there = decisions.collect_schema()
    if COLUMN not in there:
        return wanted.to_frame()
    found = collect(columns(decisions, wanted, what).drop_nulls())
    return found.unique("row", keep="first", maintain_order=True)
