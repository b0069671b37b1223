"""Filters and pages of candidates, held against the rows themselves."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.errors import UsageError
from review.ui import candidates, facets
from review.ui.candidates import Filters, Source

ROWS = 53


@pytest.fixture(scope="module")
def source() -> Source:
    return made(decided=True)


def made(*, decided: bool) -> Source:
    row = pl.int_range(ROWS, eager=True).alias("row")
    key = pl.DataFrame({"round": [1] * ROWS, "row": row, "sample_id": [b"x"] * ROWS})
    bad = pl.col("row") % 5 == 0
    decisions = key.with_columns(
        pl.when(bad).then(pl.lit("rejected")).otherwise(pl.lit("accepted")).alias("decision"),
        pl.when(bad).then(pl.lit(["sharp"])).otherwise(pl.lit([])).alias("reasons"),
        pl.when(pl.col("row") % 7 == 0)
        .then(pl.lit(["plain"]))
        .otherwise(pl.lit([]))
        .alias("warnings"),
    )
    verdicts = pl.concat(
        [
            key.select(
                "row",
                pl.lit("sharp").alias("expectation"),
                pl.when(bad).then(pl.lit("failed")).otherwise(pl.lit("passed")).alias("verdict"),
            ),
            pl.DataFrame({"row": [None], "expectation": ["whole"], "verdict": ["failed"]}),
        ],
        how="vertical_relaxed",
    )
    return Source(
        candidates=key.with_columns(
            (row % 3).alias("label"), ("text " + row.cast(pl.String)).alias("text")
        ).lazy(),
        lineage=key.with_columns((row % 2 + 1).alias("depth_max")).lazy(),
        verdicts=verdicts.lazy() if decided else None,
        decisions=decisions.lazy() if decided else None,
    )


ASKED = {
    "decision": ("rejected", lambda row: row % 5 == 0),
    "reason": ("sharp", lambda row: row % 5 == 0),
    "depth": (1, lambda row: row % 2 == 0),
    "verdict": ("failed", lambda row: row % 5 == 0),
    "value": ("2", lambda row: row % 3 == 2),
}


@given(names=st.sets(st.sampled_from(sorted(ASKED))), size=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_pages_hold_every_row_that_matches_once_both_ways(names: set[str], size: int) -> None:
    source = made(decided=True)
    expected = [row for row in range(ROWS) if all(ASKED[name][1](row) for name in names)]
    filters = Filters(**{name: ASKED[name][0] for name in names}, column="label")
    assert candidates.count(source, filters) == len(expected)
    forward: list[int] = []
    pages = []
    current: Filters | None = filters
    while current is not None:
        page = candidates.listing(source, current, size)
        pages.append(page.rows["row"].to_list())
        forward += pages[-1]
        assert page.payload["row"].to_list() == pages[-1]
        last, current = page, page.more
    assert forward == expected
    for expected in pages[-2::-1]:
        assert last.back is not None
        last = candidates.listing(source, last.back, size)
        assert last.rows["row"].to_list() == expected
    assert last.back is None


def test_an_address_says_what_is_asked_for() -> None:
    filters = candidates.parse({"decision": "rejected", "depth": "2", "after": "59", "x": "y"})
    assert filters == Filters(decision="rejected", depth=2, after=59)
    assert filters.query == "decision=rejected&depth=2&after=59"
    assert candidates.parse(dict(pair.split("=") for pair in filters.query.split("&"))) == filters
    assert candidates.parse({"decision": " ", "value": "0"}) == Filters(value="0")
    assert candidates.parse({"column": " a ", "value": " "}) == Filters(column=" a ", value=" ")
    assert not Filters(after=3).any
    for wrong in ("-1", "1.5", "x", "9" * 16):
        with pytest.raises(UsageError, match="depth must be a whole number"):
            candidates.parse({"depth": wrong})


def test_a_column_that_cannot_be_compared_is_refused(source: Source) -> None:
    for name in ("nothing", "sample_id"):
        with pytest.raises(UsageError, match="there is no column"):
            candidates.count(source, Filters(column=name, value="1"))


@given(label=st.text(min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_label_is_found_as_it_is(label: str) -> None:
    """Blanks at its ends, signs and all: what a page's address says, its filter finds."""
    made_of = made(decided=True)
    labels = pl.when(pl.col("row") == 7).then(pl.lit(label)).otherwise(pl.lit("other"))
    source = replace(made_of, candidates=made_of.candidates.with_columns(labels.alias(" kind ")))
    query = Filters(column=" kind ", value=label).query
    filters = candidates.parse(dict(parse_qsl(query, keep_blank_values=True)))
    assert candidates.count(source, filters) == (ROWS if label == "other" else 1)


def test_before_verdicts_and_decisions_nothing_is_decided() -> None:
    source = made(decided=False)
    page = candidates.listing(source, Filters(), 10)
    assert page.rows["decision"].null_count() == 10
    assert page.rows["reasons"].to_list() == [[]] * 10
    assert candidates.count(source, Filters(decision="accepted")) == 0
    assert candidates.count(source, Filters(verdict="failed")) == 0
    assert facets.of_source(source).decisions == {}


def test_facets_count_what_can_be_filtered_by(source: Source) -> None:
    counts = facets.of_source(source)
    assert counts.candidates == ROWS
    assert counts.decisions == {"accepted": 42, "rejected": 11}
    assert counts.reasons == {"sharp": 11, "plain": 8}
    assert counts.depths == {"1": 27, "2": 26}
    assert counts.columns == {"label": {"0": 18, "1": 18, "2": 17}}
    assert counts.expectations == ("sharp",)
