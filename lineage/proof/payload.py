"""The payload of samples: is it what their ids name, and what was decided on?

An id names the identity columns, and every other check compares ids alone. Here ids are computed
again from the payload. The columns that no id covers are compared with the digest that the decision
on each candidate states; real data has no decisions, so its manifest states one digest of all.

A table is read block by block. What is kept of it are findings, and of real data 72 bytes a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
FOUND: Final = pl.Schema({"row": pl.Int64(), "sample_id": pl.Binary(), "detail": pl.String()})
NOTHING: Final = pl.Schema({"row": pl.Int64(), COLUMN: pl.Binary()})
"""Digests that decisions state, by row."""


@dataclass(slots=True)
class _Seen:
    """What is kept of the blocks that were read: findings, and counts."""

    rows: int = 0
    stated: int = 0
    """Rows whose decision states a digest."""
    replaced: list[pl.DataFrame] = field(default_factory=list)
    altered: list[pl.DataFrame] = field(default_factory=list)
    packed: list[payload.Packed] = field(default_factory=list)
    """Of real data, what its manifest states a digest of."""


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
    decided = NOTHING.to_frame()
    if tables.decisions is not None:
        decided = stated(tables.decisions, f"the decisions of {tables.what}")
    try:
        seen = _read(tables, samples, decided)
    except (IdentityError, SchemaError) as error:
        yield about_round("payload", f"has a payload that gives no ids: {error}", *round_id)
        return
    yield batch("payload", seen.rows, pl.concat(seen.replaced).sort("row"), *round_id)
    yield from _purged(tables)
    if tables.round == 0:
        yield _real(tables, seen)
        return
    if seen.rows > seen.stated:
        yield unprovable("columns", seen.rows - seen.stated, NOT_STATED, *round_id)
    yield batch("columns", seen.stated, pl.concat(seen.altered).sort("row"), *round_id)


def _purged(tables: Tables) -> Iterator[Batch]:
    """Say of rows that were purged that their payload cannot be proved any more."""
    if tables.purged is None:
        return
    for (name,), rows in tables.purged.group_by("takedown", maintain_order=True):
        reason = f"purged by the take-down {name}"
        for check in ("payload", "columns"):
            yield unprovable(check, len(rows), reason, tables.dataset, tables.round)


def _read(tables: Tables, samples: pl.LazyFrame, decided: pl.DataFrame) -> _Seen:
    """Read the samples of a round block by block."""
    seen, what = _Seen(), f"the payload of {tables.what}"
    seen.replaced.append(FOUND.to_frame())
    seen.altered.append(FOUND.to_frame())
    names = others(samples, tables.identity, what)
    for block in digests(samples, tables.identity, what):
        near = _between(decided, block["row"])
        seen.rows += len(block)
        seen.stated += len(block.join(near, on="row", how="semi"))
        seen.replaced.append(replaced(block))
        seen.altered.append(altered(block, near, names))
        if tables.round == 0 and tables.payload is not None:
            own = block.drop("sample_id").rename({OWN: "sample_id"})
            seen.packed.append(payload.packed(own))
    return seen


def digests(table: pl.LazyFrame, identity: Sequence[str], what: str) -> Iterator[pl.DataFrame]:
    """Digest the payload of a table again, block by block: row, sample_id, own, columns_digest.

    Raises:
        IdentityError: an identity column is missing, or a column has no canonical bytes.
        SchemaError: the table cannot be read.
    """
    for block in payload.blocks(table, what):
        with schema.readable(what):
            found = payload.digests(block, identity).rename({"sample_id": OWN})
            stored = block["sample_id"].cast(pl.Binary, strict=False)
            row = pl.col("row").cast(pl.Int64, strict=False)
            typed = found.with_columns(row, stored).select(SEEN.names())
        yield typed


def others(table: pl.LazyFrame, identity: Sequence[str], what: str) -> list[str]:
    """List the payload columns of a table that ids do not cover.

    Raises:
        SchemaError: the table cannot be read.
    """
    with schema.readable(what):
        return payload.others(table.collect_schema().names(), identity)


def _between(decided: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Select the decisions, sorted by row, that can be about some rows."""
    numbers = rows.drop_nulls().to_numpy()
    if not len(numbers):
        return decided.clear()
    start = decided["row"].search_sorted(int(numbers.min()), side="left")
    end = decided["row"].search_sorted(int(numbers.max()), side="right")
    return decided.slice(start, end - start)


def replaced(seen: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose payload is another content than their id names: row, sample_id, detail.

    Args:
        seen: what `digests` gives of some rows.
    """
    own = pl.col(OWN).bin.encode("hex").str.head(PREFIX)
    detail = pl.format("has a payload whose id is {}, not the one that is stored", own)
    other = seen.filter(pl.col(OWN).ne_missing(pl.col("sample_id"))).sort("row")
    return other.select("row", "sample_id", detail.alias("detail"))


def altered(seen: pl.DataFrame, decided: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Find rows whose other columns are not those that were decided on: row, sample_id, detail.

    Args:
        seen: what `digests` gives of some rows.
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


def _real(tables: Tables, seen: _Seen) -> Batch:
    """Compare the payload of real data with the digest that its manifest states."""
    round_id = tables.dataset, tables.round
    if tables.payload is None:
        return unprovable("columns", seen.rows, NOT_STATED, *round_id)
    own = payload.digest_packed([*seen.packed, *_packed(tables.purged)])
    if own == tables.payload:
        return batch("columns", seen.rows, FOUND.to_frame(), *round_id)
    detail = (
        f"holds {seen.rows:,} rows with the digest {own[:PREFIX]}, its manifest states "
        f"{tables.payload[:PREFIX]}"
    )
    return about_round("columns", detail, *round_id)


def _packed(purged: pl.DataFrame | None) -> list[payload.Packed]:
    """What the digest of real data covers of rows that were purged."""
    if purged is None:
        return []
    return [payload.packed(purged.filter(pl.col(COLUMN).is_not_null()))]


def stated(decisions: pl.LazyFrame, what: str) -> pl.DataFrame:
    """Read the digests that decisions state: row, columns_digest; without rows that state none.

    They are sorted by row.

    Raises:
        SchemaError: the decisions cannot be read.
    """
    with schema.readable(what):
        there = decisions.collect_schema()
    if COLUMN not in there:
        return NOTHING.to_frame()
    found = collect(columns(decisions, NOTHING, what).drop_nulls())
    return found.unique("row", keep="first", maintain_order=True).sort("row")
