"""Verdicts on blocks are those on the whole round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from expectations import blocks, verifier
from expectations.errors import BatchError, SuiteError
from expectations.tally import Tally
from tests.expectations.conftest import Make

ORDER = ("expectation", "row")


@dataclass(frozen=True)
class Cut:
    """A frame in blocks of so many rows."""

    frame: pl.DataFrame
    size: int

    @property
    def names(self) -> Sequence[str]:
        return self.frame.columns

    def read(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        wanted = self.frame.select("round", "row", *(name for name in names if name != "row"))
        yield from wanted.iter_slices(self.size)


def column(kind: str, name: str, severity: str = "critical", **limits: Any) -> tuple[Any, ...]:
    return (f"expect_column_values_to_{kind}", {"column": name, **limits}, severity)


def rows() -> pl.DataFrame:
    """Rows of which those of the second block of four have no score, and some values come again."""
    return pl.DataFrame(
        {
            "round": [3] * 11,
            "row": range(11),
            "score": [0.1, None, float("nan"), 0.9, *[None] * 4, 0.5, 0.7, 0.1],
            "count": [1, 2, None, 4, 5, 6, 7, 8, 9, 10, 1],
            "asked": ["a", "b", "c", None, "a", "b", "c", "a", "b", "c", "a"],
            "seen": ["a", "b", "a", "a", None, None, None, None, "b", "c", "b"],
        }
    ).cast({"round": pl.Int32})


@pytest.fixture
def suite(make: Make) -> Any:
    pair = "expect_column_pair_values_to_be_equal"
    return make(
        column("not_be_null", "score"),
        column("be_between", "score", "warning", min_value=0.2),
        column("not_be_null", "count"),
        column("be_between", "count", max_value=8),
        column("be_unique", "count", "warning"),
        column("not_be_null", "asked"),
        column("match_regex", "asked", "info", regex="^[ab]$"),
        column("be_in_set", "asked", "info", value_set=["a", "c"]),
        column("not_be_null", "seen"),
        (pair, {"column_A": "asked", "column_B": "seen"}, "critical"),
        ("expect_column_mean_to_be_between", {"column": "score", "min_value": 0.6}, "warning"),
        ("expect_table_row_count_to_be_between", {"min_value": 12}, "critical"),
    )


@pytest.mark.parametrize("size", [1, 4, 10, 11])
def test_blocks_are_judged_as_the_whole_is(suite: Any, size: int) -> None:
    whole = verifier.verify(rows(), suite)
    parts = list(blocks.verify(Cut(rows(), size), suite))
    assert len(parts) == -(-11 // size)
    assert pl.concat(parts).sort(ORDER).equals(whole.verdicts.sort(ORDER))
    if size == len(rows()):
        assert parts[0].equals(whole.verdicts)
    tally = Tally()
    for part in parts:
        tally.add(part)
    assert tally.summary() == whole.summary()
    against = whole.verdicts.filter((pl.col("verdict") != "passed") | pl.col("row").is_null())
    assert tally.against().sort(ORDER).equals(against.sort(ORDER))
    assert sum(tally.totals().values()) == len(whole.verdicts)


def test_what_compares_rows_sees_all_of_them(suite: Any) -> None:
    found = pl.concat(blocks.verify(Cut(rows(), 2), suite))
    unique = found.filter(pl.col("expectation").str.contains("unique"), verdict="failed")
    assert sorted(unique["row"]) == [0, 10]


def test_texts_of_whole_numbers_do_not_depend_on_which_block_has_a_null(make: Make) -> None:
    lengths = "expect_column_value_lengths_to_equal"
    suite = make(
        column("not_be_null", "count"),
        column("match_regex", "count", regex="^[0-9]$"),
        (lengths, {"column": "count", "value": 1}, "critical"),
        column("be_in_set", "count", value_set=[2**53]),
    )
    large = rows().with_columns(count=pl.col("count").replace(10, 2**53 + 1))
    whole = verifier.verify(large, suite).verdicts
    parts = pl.concat(blocks.verify(Cut(large, 4), suite))
    assert parts.sort(ORDER).equals(whole.sort(ORDER))


def test_a_column_without_any_value_is_refused_after_the_last_block(make: Make) -> None:
    suite = make(column("not_be_null", "score"), column("not_be_null", "count"))
    nothing = rows().with_columns(score=pl.lit(None, pl.Float64))
    with pytest.raises(BatchError, match="none of the 11 candidates has a value in column 'score'"):
        list(blocks.verify(Cut(nothing, 4), suite))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pl.lit(1, pl.Int64).alias("row"), "more than once"),
        ((pl.col("round") + (pl.col("row") == 9)).alias("round"), "rounds 3 and 4"),
    ],
)
def test_rows_of_different_blocks_have_different_keys(
    make: Make, change: pl.Expr, said: str
) -> None:
    suite = make(column("not_be_null", "count"))
    with pytest.raises(BatchError, match=said):
        list(blocks.verify(Cut(rows().with_columns(change), 4), suite))


def test_a_column_that_is_not_there_is_named(make: Make) -> None:
    with pytest.raises(SuiteError, match="'scores' is unknown; the nearest known is 'score'"):
        list(blocks.verify(Cut(rows(), 4), make(column("not_be_null", "scores"))))
