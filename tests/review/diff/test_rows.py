"""The row diff: of random edits it finds just these, whatever the values are."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.diff import rows as diffing
from review.diff.rows import RowChanges, compare, rows_at
from review.errors import UsageError

NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 1.5, float("nan"), float("inf")]))
TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "<b>", "naïve"]))
LISTS = st.one_of(st.none(), st.lists(st.integers(0, 2), max_size=2))
ROWS = st.tuples(NUMBERS, TEXTS, LISTS)
KEYS = st.one_of(st.none(), st.integers(-3, 20))
SCHEMA = {"k": pl.Int64(), "n": pl.Float64(), "t": pl.String(), "l": pl.List(pl.Int64)}
Row = tuple[Any, ...]


def frame(rows: list[Row]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA, orient="row")


def same(left: Any, right: Any) -> bool:
    both = isinstance(left, float) and isinstance(right, float)
    return left == right or (both and math.isnan(left) and math.isnan(right))


def keys_of(changes: RowChanges, change: str) -> set[Any]:
    return set(changes.rows.filter(pl.col("change") == change)["k"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[Any, Row], dict[Any, Row], list[Any], list[Any]]:
    """Rows by key before and after, and the orders in which they stand."""
    before = draw(st.dictionaries(KEYS, ROWS, max_size=12))
    removed = draw(st.sets(st.sampled_from(sorted(before, key=str)))) if before else set()
    added = draw(st.dictionaries(KEYS.filter(lambda key: key not in before), ROWS, max_size=4))
    after = {key: row for key, row in before.items() if key not in removed}
    for key in draw(st.sets(st.sampled_from(sorted(after, key=str)))) if after else ():
        after[key] = draw(ROWS)
    after |= added
    orders = [draw(st.permutations(sorted(side, key=str))) for side in (before, after)]
    if draw(st.booleans()):  # ascending keys go another way
        orders = [sorted(side, key=lambda key: (key is None, key or 0)) for side in (before, after)]
    return before, after, *orders


@settings(max_examples=80, deadline=None)
@given(edits(), st.booleans())
def test_the_diff_of_an_edit_is_the_edit(
    given_: tuple[dict[Any, Row], dict[Any, Row], list[Any], list[Any]],
    large: bool,
) -> None:
    before, after, left, right = given_
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr(diffing, "SMALL", -1)
        changes = compare(
            frame([(key, *before[key]) for key in left]),
            frame([(key, *after[key]) for key in right]),
            ["k"],
        )
    both = before.keys() & after.keys()
    differing = {
        key: [
            name
            for name, old, new in zip("ntl", before[key], after[key], strict=True)
            if not same(old, new)
        ]
        for key in both
    }
    assert keys_of(changes, "removed") == before.keys() - after.keys()
    assert keys_of(changes, "added") == after.keys() - before.keys()
    assert keys_of(changes, "changed") == {key for key, names in differing.items() if names}
    assert (changes.left, changes.right, changes.repeated) == (len(before), len(after), 0)
    for row in changes.rows.iter_rows(named=True):
        assert row["columns"] == (differing[row["k"]] if row["change"] == "changed" else None)
        for position, order in (("left_at", left), ("right_at", right)):
            assert row[position] is None or order[row[position]] == row["k"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), *[st.integers(0, 1)] * 2), max_size=12),
    st.lists(st.tuples(st.integers(0, 3), *[st.integers(0, 1)] * 2), max_size=12),
)
def test_of_repeated_keys_equal_rows_are_paired_first(left: list[Row], right: list[Row]) -> None:
    schema = dict.fromkeys("kab", pl.Int64)
    sides = [pl.LazyFrame(row, schema=schema, orient="row") for row in (left, right)]
    changes = compare(*sides, ["k"])
    equal = changed = 0
    for key in range(4):
        ours, theirs = ([row for row in side if row[0] == key] for side in (left, right))
        alike = sum(min(ours.count(row), theirs.count(row)) for row in {*ours, *theirs})
        equal += alike
        changed += min(len(ours), len(theirs)) - alike
    assert changes.changed == changed
    assert changes.removed == len(left) - equal - changed
    assert changes.added == len(right) - equal - changed
    mirrored = compare(*reversed(sides), ["k"])
    assert (mirrored.added, mirrored.removed) == (changes.removed, changes.added)


def test_the_order_of_rows_does_not_matter() -> None:
    side = pl.DataFrame({"k": range(1000), "v": [str(row % 7) for row in range(1000)]})
    other = side.with_columns(
        pl.when(pl.col("k") == 5).then(pl.lit("x")).otherwise("v").alias("v")
    ).slice(3)
    shuffled = other.sample(fraction=1, shuffle=True, seed=1)
    for right in (other, shuffled):
        changes = compare(side.lazy(), right.lazy(), ["k"])
        assert (changes.removed, changes.changed, changes.added) == (3, 1, 0)
        assert keys_of(changes, "changed") == {5}


@pytest.mark.parametrize(("small", "at_once"), [(0, 1), (0, 1 << 24), (1 << 29, 1)])
def test_columns_are_read_a_few_at_a_time(
    small: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffing, "SMALL", small)
    monkeypatch.setattr(diffing, "AT_ONCE", at_once)
    left = pl.LazyFrame({"k": [1, 2], "a": [1, 1], "b": ["x", "y"], "c": [[1], [2]]})
    right = pl.LazyFrame({"k": [2, 1], "a": [2, 1], "b": ["y", "z"], "c": [[3], [1]]})
    changes = compare(left, right, ["k"])
    assert changes.columns == {"a": 1, "b": 1, "c": 1}
    assert dict(changes.rows.select("k", "columns").iter_rows()) == {1: ["b"], 2: ["a", "c"]}


def test_types_that_differ_are_compared_where_values_can_be_equal() -> None:
    left = pl.LazyFrame(
        {"k": [1, 2], "wide": [1, 2], "text": [1, 2], "mixed": [[1], [2]]},
        schema_overrides={"wide": pl.Int8},
    )
    right = pl.LazyFrame(
        {"k": [1.0, 2.0], "wide": [1.0, 2.5], "text": ["1", "2"], "mixed": ["a", "b"]}
    )
    changes = compare(left, right, ["k"])
    assert changes.columns == {"wide": 1}
    assert changes.uncompared == ("mixed",)


def test_whole_numbers_beyond_a_float_are_not_one_key() -> None:
    big = 1 << 53
    left = pl.LazyFrame({"k": [big, big + 1, big + 2, 7, None], "v": [1, 2, 3, 4, 5]})
    right = pl.LazyFrame({"k": [float(big), 7.0, 7.5, float("nan"), None], "v": [1, 9, 3, 4, 5]})
    changes = compare(left, right, ["k"])
    assert (changes.added, changes.removed, changes.changed) == (2, 2, 1)
    assert keys_of(changes, "removed") == {str(big + 1), str(big + 2)}
    payload = compare(
        pl.LazyFrame({"k": [1, 2], "v": [big + 1, 5]}),
        pl.LazyFrame({"k": [1, 2], "v": [float(big), 5.0]}),
        ["k"],
    )
    assert payload.columns == {"v": 1}


def test_categories_are_compared_by_what_they_say() -> None:
    left = pl.LazyFrame({"k": ["a", "b"], "v": ["x", "y"]}).cast(pl.Categorical)
    right = pl.LazyFrame({"k": ["b", "a"], "v": ["y", "x"]}).cast(pl.Enum(["y", "x", "a", "b"]))
    assert compare(left, right, ["k"]).total == 0


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_a_side_may_be_empty(empty: int) -> None:
    rows = frame([(1, 1.0, "a", []), (None, None, None, None)])
    sides = [rows.clear() if empty in (side, 2) else rows for side in (0, 1)]
    changes = compare(*sides, ["k"])
    expected = {0: (2, 0), 1: (0, 2), 2: (0, 0)}[empty]
    assert (changes.added, changes.removed, changes.changed) == (*expected, 0)


def test_a_key_of_several_columns() -> None:
    left = pl.LazyFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1, 2, 3]})
    right = pl.LazyFrame({"a": [1, 2, 2], "b": ["y", "x", "y"], "v": [2, 4, 5]})
    changes = compare(left, right, ["a", "b"])
    rows_listed = set(changes.rows.select("change", "a", "b").iter_rows())
    assert rows_listed == {("removed", 1, "x"), ("changed", 2, "x"), ("added", 2, "y")}


def test_a_key_must_be_there() -> None:
    left, right = pl.LazyFrame({"a": [1]}), pl.LazyFrame({"b": [1]})
    with pytest.raises(UsageError, match="the left side has no column 'b'; it has: a"):
        compare(left, right, ["b"])
    with pytest.raises(UsageError, match="--key COLUMN"):
        compare(left, right, [])
    with pytest.raises(UsageError, match="the key k has types that cannot be compared"):
        compare(pl.LazyFrame({"k": [[1]]}), pl.LazyFrame({"k": ["a"]}), ["k"])


def test_rows_at_positions_come_in_their_order() -> None:
    rows = pl.LazyFrame({"v": list("abcdef")})
    assert rows_at(rows, pl.Series([4, 1, 1], dtype=pl.Int64))["v"].to_list() == ["e", "b", "b"]
    assert rows_at(rows, pl.Series([], dtype=pl.Int64)).is_empty()
