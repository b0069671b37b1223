"""What reviewers decided about a round, held against the signed records, and what follows from it.

The table of a round repeats the records of its reviewers as the stage `curate` found them. Lineage
of edited rows and decisions follow from it; the table itself follows from the records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

import polars as pl

from lake.client import Lake
from lineage import record, schema
from lineage.proof.rows import collect, columns
from lineage.review_decisions import REVIEWED
from pipelines.reviewing import decisions, store
from pipelines.reviewing.decisions import RoundReviews
from pipelines.reviewing.edits import HIDDEN
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
Texts: TypeAlias = Mapping[str, Mapping[str, str]]


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


def made_otherwise(
    samples: pl.DataFrame, candidates: pl.DataFrame, reviewed: pl.DataFrame, texts: Texts
) -> Iterator[Mapping[str, Any]]:
    """Find edited samples whose payload is not what a record makes of their candidates.

    Args:
        samples: the accepted edited samples; those that are not accepted have no payload.
        candidates: the rows that they were made of, as the stage `verify` had them.
        reviewed: the table of the round's reviews.
        texts: corrected texts by column, by the SHA-256 of the record.

    Yields:
        Row and detail of each.
    """
    made = {row["row"]: row for row in samples.iter_rows(named=True)}
    before = {row["row"]: row for row in candidates.iter_rows(named=True)}
    for review in reviewed.drop_nulls("edited_row").iter_rows(named=True):
        sample, candidate = made.get(review["edited_row"]), before.get(review["row"])
        if sample is None or candidate is None:
            continue
        given = texts.get(review["record"], {})
        label = _labels(samples.schema, review["label"])
        column = _otherwise(sample, candidate, label, given)
        if column is not None:
            yield {
                "row": review["edited_row"],
                "detail": f"has another {column} than the reviewer's record gives it",
            }


def _otherwise(
    sample: Mapping[str, Any],
    candidate: Mapping[str, Any],
    label: Mapping[str, Any],
    texts: Mapping[str, str],
) -> str | None:
    """A column of an edited sample that no record explains; None if there is none.

    Args:
        sample: the edited sample.
        candidate: the row that it was made of.
        label: what the record's label is in each column that can hold it; only one column may.
        texts: corrected texts by column.
    """
    for name, text in texts.items():
        if sample.get(name) != text:
            return name
    changed = sorted(
        name
        for name in candidate.keys() - texts.keys() - {*HIDDEN}
        if not _equal(sample.get(name), candidate[name])
    )
    labelled = [name for name in changed if name in label and sample.get(name) == label[name]]
    others = [name for name in changed if name not in labelled[:1]]
    if others:
        return others[0]
    held = labelled or [name for name in label if sample.get(name) == label[name]]
    return "label" if label and not held else None


def _equal(one: object, other: object) -> bool:
    """Whether two values are equal, or neither is a number (NaN)."""
    nothing = all(isinstance(each, float) and math.isnan(each) for each in (one, other))
    return nothing or one == other


def _labels(schema_: pl.Schema, label: str | None) -> dict[str, Any]:
    """What a label that a record gives as text is in each column that can hold it."""
    found: dict[str, Any] = {}
    for name, dtype in schema_.items() if label is not None else ():
        if name in HIDDEN or dtype.is_nested():
            continue
        with suppress(pl.exceptions.PolarsError):
            found[name] = pl.Series([label]).cast(dtype, strict=True)[0]
    return found


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
    known = of_table(lake, branch, reviewed).table
    said = reviewed.join(known, on=["record", *SAID], how="anti", nulls_equal=True)
    there = set(known["record"])
    for row in said.iter_rows(named=True):
        missing = row["record"] not in there
        why = "no signed record says" if missing else "its record says otherwise"
        yield {
            "row": row["row"],
            "detail": f"has the decision {row['action']} of a reviewer: {why}",
        }


def of_table(lake: Lake, branch: str, reviewed: pl.DataFrame) -> RoundReviews:
    """The decisions of the signed records that a table of reviews names."""
    held = set(reviewed["record"])
    kept = store.of_branch(lake, branch)
    return decisions.of_records(each for each in kept if record_digest(each.record) in held)
