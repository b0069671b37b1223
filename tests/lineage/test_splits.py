from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.errors import SplitError
from lineage.splits import assign, check_whole, groups
from tests.lineage.conftest import content, ids

SHARES = {"validation": 0.25, "test": 0.15}
NONE = np.empty((0, 2), dtype=np.int64)
EDGES = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=14)


def pairs(*edges: tuple[int, int]) -> np.ndarray:
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def reached(names: list[int], edges: list[tuple[int, int]]) -> list[bytes]:
    """The smallest id of each row's group, by spreading until nothing changes."""
    found = [content(name) for name in names]
    links = [*edges, *((i, j) for i, a in enumerate(names) for j, b in enumerate(names) if a == b)]
    while True:
        before = list(found)
        for left, right in links:
            found[left] = found[right] = min(found[left], found[right])
        if found == before:
            return found


@given(st.lists(st.integers(0, 9), min_size=15, max_size=15), EDGES)
def test_groups_are_what_can_be_reached(names: list[int], edges: list[tuple[int, int]]) -> None:
    found = groups(ids(names), pairs(*edges))
    assert (found.name, found.dtype) == ("group", pl.Binary)
    assert found.to_list() == reached(names, edges)


@given(st.lists(st.integers(0, 9), min_size=15, max_size=15), EDGES, st.randoms())
def test_groups_do_not_depend_on_order(
    names: list[int], edges: list[tuple[int, int]], draw: object
) -> None:
    order = list(range(15))
    draw.shuffle(order)  # type: ignore[attr-defined]
    moved = [(order.index(left), order.index(right)) for left, right in edges]
    found = groups(ids(names), pairs(*edges)).to_list()
    shuffled = groups(ids(names[at] for at in order), pairs(*moved)).to_list()
    assert shuffled == [found[at] for at in order]


def test_no_rows_have_no_groups() -> None:
    assert groups(ids([]), NONE).to_list() == []
    empty = assign(ids([]), ids([]), SHARES, key="k")
    assert (empty.name, empty.dtype, len(empty)) == ("split", pl.String, 0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_growth_moves_no_row(first: int, more: int) -> None:
    few, many = ids(range(first)), ids(range(first + more))
    before = assign(few, groups(few, NONE), SHARES, key="k").to_list()
    assert assign(many, groups(many, NONE), SHARES, key="k").to_list()[:first] == before


@given(st.lists(st.integers(0, 9), min_size=15, max_size=15), EDGES)
def test_near_rows_stay_together(names: list[int], edges: list[tuple[int, int]]) -> None:
    known = ids(names)
    found = assign(known, groups(known, pairs(*edges)), SHARES, key="k")
    assert all(found[left] == found[right] for left, right in edges)
    assert len(set(zip(names, found, strict=True))) == len(set(names))


def test_shares_are_met() -> None:
    many = ids(range(20_000))
    counted = dict(assign(many, many, SHARES, key="k").value_counts(normalize=True).iter_rows())
    assert counted == pytest.approx({"train": 0.6, "validation": 0.25, "test": 0.15}, abs=0.012)


def test_another_key_is_another_split() -> None:
    many = ids(range(2000))
    one, other = (assign(many, many, {"test": 0.5}, key=key) for key in ("a", "b"))
    assert 0.4 < (one == other).mean() < 0.6


def test_a_split_added_at_the_end_takes_from_train_only() -> None:
    many = ids(range(2000))
    before = assign(many, many, {"validation": 0.25}, key="k")
    after = assign(many, many, SHARES, key="k")
    moved = before != after
    assert moved.any()
    assert set(before.filter(moved)) == {"train"}
    assert set(after.filter(moved)) == {"test"}


def test_a_known_assignment() -> None:
    some = ids(range(12))
    found = assign(some, some, SHARES, key="stemma")
    assert "".join(each[1] for each in found) == "rrerraererrr"


@pytest.mark.parametrize(
    ("shares", "key", "said"),
    [
        ({"a": 0.5, "b": 0.5}, "k", "nothing to train on"),
        ({"a": 1.0}, "k", "'a' is 1.0"),
        ({"a": -0.1}, "k", "'a' is -0.1"),
        ({"a": float("nan")}, "k", "'a' is nan"),
        ({"train": 0.5}, "k", "'train' takes what the other splits leave"),
        ({"a": 0.5}, "", "key of a split is empty"),
    ],
)
def test_shares_that_do_not_fit(shares: dict[str, float], key: str, said: str) -> None:
    with pytest.raises(SplitError, match=said):
        assign(ids("ab"), ids("ab"), shares, key=key)


def test_groups_that_do_not_fit() -> None:
    with pytest.raises(SplitError, match="2 ids and 1 groups"):
        assign(ids("ab"), ids("a"), SHARES, key="k")
    with pytest.raises(SplitError, match="same content is in two groups"):
        assign(ids("aa"), ids("ab"), SHARES, key="k")
    with pytest.raises(SplitError, match="each row needs a sample id"):
        assign(pl.Series(["a"]), ids("a"), SHARES, key="k")


def test_pairs_that_do_not_fit() -> None:
    with pytest.raises(SplitError, match="outside 0 to 1"):
        groups(ids("ab"), pairs((0, 2)))
    with pytest.raises(SplitError, match="outside 0 to 1"):
        groups(ids("ab"), pairs((-1, 0)))
    with pytest.raises(SplitError, match=r"shape \[2\]"):
        groups(ids("ab"), np.array([0, 1]))
    with pytest.raises(SplitError, match="each row needs a sample id"):
        groups(pl.Series([None], dtype=pl.Binary), NONE)


def test_groups_that_are_in_two_splits_are_counted() -> None:
    names = pl.Series([b"a", b"a", b"b", b"c", b"c"])
    check_whole(names, pl.Series(["train", "train", "test", "test", "test"]))
    with pytest.raises(SplitError, match="2 groups of near-duplicates are in more than one split"):
        check_whole(names, pl.Series(["train", "test", "test", "test", "train"]))
