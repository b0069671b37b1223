"""Rows that reviewers made of candidates: with another label, or with corrected texts.

Such a row is a new one behind the candidates of its round. Nothing but the label or the corrected
columns differs from the candidate; its id is computed of its content, like that of any sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from lineage.errors import IdentityError
from lineage.identity import sample_ids
from lineage.review_decisions import EDITS
from pipelines.common.errors import DataError
from pipelines.reviewing.decisions import RoundReviews

HIDDEN: Final = ("round", "row", "sample_id")


def numbered(reviews: RoundReviews, rows: int) -> RoundReviews:
    """Number the rows that reviewers make of candidates.

    Args:
        reviews: the decisions on a round.
        rows: the number of the first row behind its candidates.

    Returns:
        The decisions, with `edited_row` where one is applied that makes a row.
    """
    makes = pl.col("applied") & pl.col("action").is_in(EDITS)
    position = pl.col("row").rank("ordinal").over(makes).cast(pl.Int64) - 1 + rows
    table = reviews.table.with_columns(pl.when(makes).then(position).alias("edited_row"))
    return RoundReviews(table, reviews.texts)


def made_of(
    block: pl.DataFrame, reviews: RoundReviews, *, answer: str, identity: tuple[str, ...]
) -> pl.DataFrame:
    """Make the rows that reviewers made of some candidates.

    Args:
        block: candidates: round, row, sample_id, payload.
        reviews: numbered decisions.
        answer: the column of the label.
        identity: the columns that are the content of a sample.

    Returns:
        The new rows, with the columns of the candidates and `edits`, the row of the candidate, by
        `edits`.

    Raises:
        DataError: a label or a text is none that the candidate's column can hold.
    """
    edits = reviews.table.drop_nulls("edited_row").sort("row")
    chosen = edits.join(block.select("row"), on="row", how="semi", maintain_order="left")
    parts = [
        _row(block.filter(pl.col("row") == edit["row"]), edit, reviews.texts, answer)
        for edit in chosen.iter_rows(named=True)
    ]
    if not parts:
        return block.clear().with_columns(pl.lit(None, pl.Int64).alias("edits"))
    made = pl.concat(parts)
    try:
        return made.with_columns(sample_ids(made, identity))
    except IdentityError as error:
        raise DataError(f"rows that reviewers made have no id: {error}") from error


def _row(
    candidate: pl.DataFrame,
    edit: Mapping[str, Any],
    texts: Mapping[str, Mapping[str, str]],
    answer: str,
) -> pl.DataFrame:
    given = {**texts.get(edit["record"], {})}
    if edit["label"] is not None:
        given[answer] = edit["label"]
    changed = [_value(candidate, name, text) for name, text in given.items()]
    return candidate.with_columns(
        *changed,
        pl.lit(edit["row"], pl.Int64).alias("edits"),
        pl.lit(edit["edited_row"], candidate.schema["row"]).alias("row"),
    )


def _value(candidate: pl.DataFrame, name: str, text: str) -> pl.Series:
    """A column of a candidate with a value that is given as text."""
    dtype = candidate.schema.get(name)
    number = candidate["row"][0]
    if name in HIDDEN or dtype is None or dtype.is_nested():
        raise DataError(
            f"a reviewer gave row {number} another {name}, which is no column of it that holds a "
            "text or a label; withdraw that decision"
        )
    try:
        return pl.Series(name, [text], dtype=pl.String).cast(dtype, strict=True)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"a reviewer gave row {number} the {name} {text[:60]!r}, which is no {dtype}; withdraw "
            "that decision"
        ) from error


def former_labels(blocks: Iterator[pl.DataFrame], answer: str) -> dict[int, str]:
    """The labels of candidates as texts, by row; empty where they have none."""
    found: dict[int, str] = {}
    for block in blocks:
        if answer in block.columns:
            labels = block.select("row", pl.col(answer).cast(pl.String))
            found |= {row: label for row, label in labels.iter_rows() if label is not None}
    return found
