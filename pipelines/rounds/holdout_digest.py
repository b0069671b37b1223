"""Digests of the hold-out, so that no other rows can take the place of those that were split off.

The manifest of round 0 names a digest of each table of its hold-out, and one of all of them. A
table's digest is over its rows, regardless of their order: the number of the row, the id of its
content (computed again from the payload, not taken from the column), and the digest of all other
columns (`lineage.payload`). How Parquet or PNG were written does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import payload
from lineage.identity import sample_ids
from pipelines.common import digests

ID: Final = "sample_id"


@dataclass(frozen=True, slots=True)
class TableDigest:
    """The digest of a table, and what it says of the column `sample_id`."""

    digest: str
    """SHA-256 as 64 hex digits."""
    rows: int
    misnamed: int
    """Number of rows whose stored id is not that of their content."""


def of_table(
    table: pl.DataFrame, identity: Sequence[str], purged: pl.DataFrame | None = None
) -> TableDigest:
    """Digest a table of the hold-out.

    Args:
        table: row, sample_id and payload; all columns count.
        identity: the columns that are the content of a sample. Where labels are part of it, the
            stored ids of fingerprints, which have no labels, are digested.
        purged: rows that were taken down or purged from it, which are digested too: row,
            sample_id, columns_digest.

    Raises:
        IdentityError: a column has no canonical bytes.
        PolarsError: the frame has no column `row` or `sample_id`.
    """
    stored, ids = table[ID], content_ids(table, identity)
    misnamed = int(stored.ne_missing(ids).sum())
    named = ids if _holds(table, identity) else sample_ids(table, [ID])
    rows = table.select("row").with_columns(named, payload.columns_digests(table, identity))
    if purged is not None and len(purged):
        keys = purged[ID] if _holds(table, identity) else sample_ids(purged.select(ID), [ID])
        gone = purged.select("row", keys.alias(ID), payload.COLUMN)
        rows = pl.concat([rows, gone.select(rows.columns).cast(rows.schema)])
    return TableDigest(payload.digest(rows), len(rows), misnamed)


def content_ids(table: pl.DataFrame, identity: Sequence[str]) -> pl.Series:
    """Compute the column `sample_id` from the payload, as far as the table holds it."""
    return sample_ids(table, identity) if _holds(table, identity) else table[ID]


def of_tables(tables: Mapping[str, pl.DataFrame], identity: Sequence[str]) -> dict[str, str]:
    """Digests of several tables, by name; arguments as `of_table`."""
    return {name: of_table(table, identity).digest for name, table in tables.items()}


def whole(tables: Mapping[str, str]) -> str:
    """Digest of the whole hold-out, from the digests of its tables."""
    return digests.of_json(dict(tables))


def _holds(table: pl.DataFrame, identity: Sequence[str]) -> bool:
    return set(identity) <= set(table.columns)
