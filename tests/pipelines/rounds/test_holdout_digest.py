"""The digest of a table of the hold-out is that of its rows, however they are stored."""

from __future__ import annotations

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.rounds import holdout_digest

TEXTS = ["a", "b", "c"]


def table(**columns: object) -> pl.DataFrame:
    frame = pl.DataFrame({"row": [3, 1, 2], "text": TEXTS, "label": ["x", "y", "x"], **columns})
    return frame.with_columns(sample_ids(frame, ["text"]))


WHOLE = holdout_digest.of_table(table(), ["text"])


def test_how_a_table_is_stored_does_not_matter() -> None:
    stored = table().select("label", "sample_id", "text", pl.col("row").cast(pl.Int16))[::-1]
    other = stored.with_columns(pl.col("label").cast(pl.Categorical))
    assert holdout_digest.of_table(other, ["text"]) == WHOLE
    assert (WHOLE.rows, WHOLE.misnamed) == (3, 0)


@pytest.mark.parametrize(
    "other",
    [
        table()[:2],
        table(row=[3, 1, 4]),
        table(text=["a", "b", "d"]),
        table(label=["x", "x", "x"]),
        table(more=[1, 2, 3]),
        table().drop("label"),
        pl.concat([table(), table()[:1]]),
    ],
)
def test_any_other_row_or_column_gives_another_digest(other: pl.DataFrame) -> None:
    assert holdout_digest.of_table(other, ["text"]).digest != WHOLE.digest


def test_stored_ids_do_not_count_and_are_compared() -> None:
    renamed = table().with_columns(pl.col("sample_id").reverse())
    found = holdout_digest.of_table(renamed, ["text"])
    assert (found.digest, found.misnamed) == (WHOLE.digest, 2)


@pytest.mark.parametrize("ids", [[None] * 3, [b"short"] * 3])
def test_where_labels_are_content_the_ids_of_fingerprints_are_digested(ids: list[object]) -> None:
    prints = table().drop("label")
    whole = holdout_digest.of_table(prints, ["text", "label"])
    assert whole.misnamed == 0
    other = prints.with_columns(pl.Series("sample_id", ids, dtype=pl.Binary))
    assert holdout_digest.of_table(other, ["text", "label"]).digest != whole.digest
