"""Which rows of a round are drawn: they are those that a picture of all rows would show."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.contact_sheet import text_picture
from pipelines.rounds.picture import REFUSED, first_and_by_turns


@pytest.mark.parametrize("labels", [None, 3, 200])
def test_rows_that_are_not_chosen_are_not_drawn(labels: int | None) -> None:
    rows = 500
    numbers = pl.int_range(rows, dtype=pl.Int64, eager=True)
    refused = pl.DataFrame({"round": [1] * rows, "row": numbers, "reason": ["short"] * rows})
    if labels is not None:  # in runs, so that the first rows show few of them
        refused = refused.with_columns((numbers // 7 % labels).cast(pl.String).alias("label"))
    text = "text of row " + numbers.cast(pl.String)
    chosen = first_and_by_turns(refused)["row"]
    assert REFUSED <= len(chosen) <= 2 * REFUSED
    kept = text.to_frame("text").with_row_index("row").with_columns(
        pl.when(pl.col("row").is_in(chosen.implode())).then("text")
    )["text"]  # fmt: skip
    assert kept.null_count() == rows - len(chosen)
    whole, part = (refused.with_columns(each.alias("text")) for each in (text, kept))
    drawn = [text_picture.of_round({"refused": each}, title="t") for each in (whole, part)]
    assert drawn[0] == drawn[1]
    other = part.with_columns(pl.lit("another").alias("text"))
    assert text_picture.of_round({"refused": other}, title="t") != drawn[0]
