"""Filters and pages of candidates, held against the rows themselves."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.errors import UsageError
from review.ui import candidates, facets, scores
from review.ui import filters as queries
from review.ui.candidates import Source
from review.ui.filters import Filters

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
    filters = queries.parse({"decision": "rejected", "depth": "2", "after": "59", "x": "y"})
    assert filters == Filters(decision="rejected", depth=2, after=59)
    assert filters.query == "decision=rejected&depth=2&after=59"
    assert queries.parse(dict(pair.split("=") for pair in filters.query.split("&"))) == filters
    assert queries.parse({"decision": " ", "value": "0"}) == Filters(value="0")
    assert queries.parse({"column": " a ", "value": " "}) == Filters(column=" a ", value=" ")
    assert not Filters(after=3).any
    for wrong in ("-1", "1.5", "x", "9" * 16):
        with pytest.raises(UsageError, match="depth must be a whole number"):
            queries.parse({"depth": wrong})


def test_a_column_that_cannot_be_compared_is_refused(source: Source) -> None:
    for name in ("nothing", "sample_id"):
        with pytest.raises(UsageError, match="there is no column"):
            candidates.count(source, Filters(column=name, value="1"))


def test_values_of_true_and_false_are_found_as_they_are_offered() -> None:
    plain = made(decided=True)
    flag = pl.when(pl.col("row") < 4).then(None).otherwise(pl.col("row") < 9)
    source = replace(plain, candidates=plain.candidates.with_columns(flag=flag))
    offered = facets.of_source(source).columns["flag"]
    assert sorted(offered.values()) == [5, ROWS - 9]
    for value, rows in offered.items():
        assert candidates.count(source, Filters(column="flag", value=value)) == rows


@given(label=st.text(min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_label_is_found_as_it_is(label: str) -> None:
    """Blanks at its ends, signs and all: what a page's address says, its filter finds."""
    made_of = made(decided=True)
    labels = pl.when(pl.col("row") == 7).then(pl.lit(label)).otherwise(pl.lit("other"))
    source = replace(made_of, candidates=made_of.candidates.with_columns(labels.alias(" kind ")))
    query = Filters(column=" kind ", value=label).query
    filters = queries.parse(dict(parse_qsl(query, keep_blank_values=True)))
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


def scored() -> Source:
    """Rows whose score falls and rises, with ties, one missing and one that is no number."""
    values = [abs(row - 20) / 10 for row in range(ROWS)]
    scores = pl.DataFrame({"row": range(ROWS), "sharpness": values, "near_row": range(ROWS)})
    known = pl.when(pl.col("row") == 5).then(None).otherwise(pl.col("sharpness"))
    known = pl.when(pl.col("row") == 6).then(float("nan")).otherwise(known)
    return replace(made(decided=True), scores=scores.with_columns(sharpness=known).lazy())


def by_sharpness(rows: range, order: int = 1) -> list[int]:
    known = [row for row in rows if row not in (5, 6)]
    return sorted(known, key=lambda row: (order * abs(row - 20), row))


@pytest.mark.parametrize(("order", "sign"), [("up", 1), ("down", -1)])
def test_pages_in_the_order_of_a_score_hold_every_row_once_both_ways(order: str, sign: int) -> None:
    source, filters = scored(), Filters(score="sharpness", order=order)
    expected = [*by_sharpness(range(ROWS), sign), 5, 6]
    assert candidates.ordered(source, filters).to_list() == expected
    first = candidates.listing(source, filters, 20)
    assert first.rows["row"].to_list() == first.payload["row"].to_list() == expected[:20]
    assert first.back is None
    assert first.more is not None
    second = candidates.listing(source, first.more, 20)
    assert second.rows["row"].to_list() == expected[20:40]
    assert second.back is not None
    assert candidates.listing(source, second.back, 20).rows["row"].to_list() == expected[:20]
    assert second.more is not None
    last = candidates.listing(source, second.more, 20)
    assert (last.rows["row"].to_list(), last.more) == (expected[40:], None)


def test_a_range_of_a_score_keeps_the_rows_within_it() -> None:
    source = scored()
    filters = queries.parse({"score": "sharpness", "least": "0.2", "most": "0.5"})
    assert candidates.ordered(source, filters).to_list() == [15, 16, 17, 18, 22, 23, 24, 25]
    assert queries.parse(dict(parse_qsl(filters.query))) == filters
    assert (filters.any, filters.any_range.any) == (True, False)
    assert queries.parse({"least": "1", "order": "up"}) == Filters()
    for wrong in ({"least": "x"}, {"most": "nan"}, {"order": "sideways"}):
        with pytest.raises(UsageError, match="must be"):
            queries.parse({"score": "sharpness", **wrong})
    for name in ("nothing", "row", "near_row"):
        with pytest.raises(UsageError, match="there is no score"):
            candidates.count(source, Filters(score=name))
    assert facets.of_source(source).scores == ("sharpness",)


def test_a_histogram_counts_every_row_of_the_other_filters() -> None:
    source = scored()
    filters = Filters(score="sharpness", least=0.2, most=0.5, decision="accepted")
    rows = candidates.matching(source, filters.any_range)
    counted = scores.histogram(source.scores, rows, filters)
    accepted = [row for row in by_sharpness(range(ROWS)) if row % 5]
    assert (counted.rows, counted.missing) == (len(accepted), 1)
    assert (counted.least, counted.most) == (0.1, 3.2)
    assert sum(bar.rows for bar in counted.bars) == len(accepted)
    assert max(bar.height for bar in counted.bars) == 1
    inside = sum(bar.rows for bar in counted.bars if bar.within)
    assert 6 <= inside <= 10  # four values within, and the bars at both ends
    same = replace(source, scores=pl.LazyFrame({"row": range(ROWS), "one": [1] * ROWS}))
    (bar,) = scores.histogram(same.scores, rows, Filters(score="one")).bars
    assert (bar.rows, bar.within) == (len(accepted) + 1, True)
    far = pl.LazyFrame({"row": [1, 2, 3, 4], "one": [-1.7e308, 0.0, 1.7e308, float("inf")]})
    wide = scores.histogram(far, far.select("row"), Filters(score="one", most=1.7e308))
    assert [bar.rows for bar in wide.bars if bar.rows] == [1, 1, 1]
    assert all(bar.within for bar in wide.bars)
    none = pl.LazyFrame({"row": [0], "one": [None]}, schema={"row": pl.Int64, "one": pl.Float64})
    assert scores.histogram(none, rows, Filters(score="one")).bars == ()


def test_texts_are_found_in_either_case_and_nested_and_samples_by_id() -> None:
    plain = made(decided=True)
    said = pl.when(pl.col("row") == 9).then(pl.lit('An "Über"-TEXT')).otherwise(pl.lit("x"))
    row = pl.col("row")
    turns = pl.concat_list(pl.struct(role=pl.lit("user"), content=said))
    sound = pl.struct(bytes=pl.lit(b"\x00\xff"), rate=pl.lit(8000))
    ids = pl.col("row").cast(pl.String).str.zfill(32).cast(pl.Binary).alias("sample_id")
    source = replace(
        plain,
        candidates=plain.candidates.with_columns(
            turns=turns, sound=sound, one=pl.when(row < 3).then(pl.lit(r"50% \d")).otherwise(None)
        ),
        lineage=plain.lineage.with_columns(ids),
    )

    def found(text: str) -> list[int]:
        return candidates.ordered(source, Filters(text=text)).to_list()

    assert found('"über"-t') == [9]
    assert found(r"0% \D") == [0, 1, 2]  # a text and no pattern
    assert found("TEXT 12") == [12]
    assert found("nobody says that") == []
    assert found("content") == found("8000") == []  # names and numbers are no texts
    assert found("user") == list(range(ROWS))
    assert found((b"0" * 31 + b"7").hex()) == [7]
    assert found((b"0" * 30).hex()) == list(range(ROWS))


def test_filters_are_named_with_their_values_in_the_words_of_the_form() -> None:
    wanted = queries.parse(
        {
            "decision": "rejected",
            "reason": "label_agrees",
            "column": "label",
            "value": "a&b=c",
            "score": "real_distance",
            "least": "0.2",
            "order": "down",
        }
    )
    assert queries.described(wanted) == [
        ("decision", "rejected"),
        ("reason", "label agrees"),
        ("label", "a&b=c"),
        ("real distance", "from 0.2"),
    ]
    assert queries.described(queries.parse({"column": "label", "score": "real_distance"})) == []


def test_parts_of_a_list_are_equal_and_disjoint(source: Source) -> None:
    parts = [candidates.ordered(source, Filters(part=f"{at}/3")).to_list() for at in (1, 2, 3)]
    assert sorted(row for rows in parts for row in rows) == list(range(ROWS))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for wrong in ("0/3", "4/3", "1", "1/0", "a/b", "1/1000"):
        with pytest.raises(UsageError, match="part must be such as 2/3"):
            queries.parse({"part": wrong})
