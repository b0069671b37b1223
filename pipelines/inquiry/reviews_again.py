"""What reviewers decided about a round, held against the signed records, and what follows from it.

The table of a round repeats the records of its reviewers as the stage `curate` found them. Lineage
of edited rows and decisions follow from it; the table itself follows from the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from lake.client import Lake
from lineage import record, schema
from lineage.proof.rows import collect, columns
from lineage.review_decisions import REVIEWED
from pipelines.reviewing import decisions, store
from pipelines.reviewing.record import digest as record_digest

SAID: Final = (
    "row",
    "sample_id",
    "action",
    "label",
    "columns",
    "reviewer",
    "committer",
    "reason",
    "created",
    "applied",
)
"""Columns that follow from the records."""


def read(table: pl.LazyFrame | None, what: str) -> pl.DataFrame:
    """Read the table of a round's reviews; without one, there are none.

    Raises:
        SchemaError: it lacks a column.
    """
    if table is None:
        return REVIEWED.to_frame()
    return collect(columns(table, REVIEWED, what))


def edited_keys(reviewed: pl.DataFrame) -> pl.DataFrame:
    """The rows that reviewers made: row, sample_id, and edits, the row of the candidate."""
    return reviewed.drop_nulls("edited_row").select(
        pl.col("edited_row").alias("row"),
        pl.col("edited_id").alias("sample_id"),
        pl.col("row").alias("edits"),
    )


def lineage(
    reviewed: pl.DataFrame, generated: pl.DataFrame, *, of: tuple[str, int]
) -> pl.DataFrame:
    """The lineage of a round with its edited rows.

    Args:
        reviewed: the table of its reviews.
        generated: the lineage of its candidates, with texts for words of a set.
        of: data set and number of the round.
    """
    keys = edited_keys(reviewed)
    if keys.is_empty():
        return generated
    own = generated.join(keys.select(pl.col("edits").alias("row")), on="row", how="semi")
    typed = schema.conform(own, schema.LINEAGE, extra=True)
    made = record.edited(keys, typed, round_number=of[1], dataset=of[0])
    return pl.concat([generated, made.cast(generated.schema)])


def unfounded(lake: Lake, branch: str, reviewed: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    """Find decisions that no signed record says, or that do not count as the records do.

    Records that are newer than the table are left out: nobody has applied them yet.

    Args:
        lake: the lake.
        branch: of the round.
        reviewed: the table of its reviews.

    Yields:
        Row and detail of each.
    """
    held = set(reviewed["record"])
    kept = store.of_lake(lake).of_branch(branch)
    known = decisions.of_records(each for each in kept if record_digest(each.record) in held).table
    said = reviewed.join(known, on=["record", *SAID], how="anti", nulls_equal=True)
    there = set(known["record"])
    for row in said.iter_rows(named=True):
        missing = row["record"] not in there
        why = "no signed record says" if missing else "its record says otherwise"
        yield {
            "row": row["row"],
            "detail": f"has the decision {row['action']} of a reviewer: {why}",
        }
