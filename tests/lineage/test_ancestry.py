"""The index, against plain answers about random lakes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import strategies as st

from lineage.ancestry import adjacency, propagation
from lineage.ancestry.derive import derive, mix_figures
from lineage.ancestry.founders import founders
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.walks import ancestors, descendants
from lineage.errors import CycleError, QueryError
from tests.examples import few_and_many, holds
from tests.lineage.conftest import content
from tests.lineage.forest import Forest, Node, Row, forests, mixed

WIDE = ("start", "parent", "target", "target_start", "child", "head_rank", "orphan")
DERIVED = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ancestry")


@few_and_many(6, 40)
def test_queries_are_answered_as_by_the_lake(cache: Path, examples: int) -> None:
    holds(examples, partial(check_queries, cache), forests(cycles=True), st.data())


def check_queries(cache: Path, forest: Forest, data: st.DataObject) -> None:
    index = open_index(cache, forest.sources(data.draw(st.integers(0, 9))))
    check_order(index, forest)
    check_lookups(index, forest, data)
    check_edges(index, forest, data)
    with ways_of_large_lakes() if data.draw(st.booleans()) else nullcontext():
        check_walks(index, forest, data)


@few_and_many(8, 50)
def test_what_is_derived_follows_from_the_lake(cache: Path, examples: int) -> None:
    holds(examples, partial(check_derived, cache), forests(), st.data())


def check_derived(cache: Path, forest: Forest, data: st.DataObject) -> None:
    index = open_index(cache, forest.sources(data.draw(st.integers(0, 9))))
    assert index.cyclic == ()
    check_members(index, forest)
    check_columns(index, forest)
    check_figures(index, forest)
    check_founders(index, forest, data)


@few_and_many(3, 20)
def test_numbers_may_be_wide(tmp_path_factory: pytest.TempPathFactory, examples: int) -> None:
    holds(examples, partial(check_wide, tmp_path_factory), forests(), st.data())


def check_wide(
    tmp_path_factory: pytest.TempPathFactory, forest: Forest, data: st.DataObject
) -> None:
    with patch.object(adjacency, "NARROW", 0):
        index = open_index(tmp_path_factory.mktemp("wide"), forest.sources())
    for view in index.layout.views:
        assert {view.arrays[name].dtype.name for name in WIDE} == {"int64"}
    check_edges(index, forest, data)
    check_columns(index, forest)
    check_founders(index, forest, data)


@pytest.mark.parametrize("regime", ["accumulate", "replace", "accumulate-subsample"])
def test_only_members_of_a_mix_touch_it(cache: Path, regime: str) -> None:
    """Of six rows of round 1, one was rejected, one is left out, and a subsample takes two."""
    real = {0: Row(content("real"), "real", [], None, "accepted")}
    first = {at: Row(content(at), "synthetic", [], None, "accepted") for at in range(6)}
    first[1].decision = "rejected"
    forest = Forest({("d", 0): real, ("d", 1): first})
    drawn = {"regime": regime, "sample_size": 2, "seed": 3}
    digest = mixed(forest, "d", out=[("d", 1, 2)], **drawn)
    forest.rounds["d", 2] = {0: Row(content("next"), "synthetic", [], digest, None)}
    index = open_index(cache, forest.sources())
    touching = [
        node
        for node, number in forest.numbers().items()
        if descendants(index, np.array([number])).indirect.tolist() == [7]
    ]
    assert touching == sorted(forest.models[digest].members)
    assert len(touching) == {"accumulate": 5, "replace": 4, "accumulate-subsample": 2}[regime]


def test_ids_that_begin_alike_are_told_apart(cache: Path) -> None:
    ids = [bytes([1] * 8 + [second] * 24) for second in (0x20, 0x2F, 0x30)]
    rows = {at: Row(id_, "real", [], None, None) for at, id_ in enumerate(ids)}
    index = open_index(cache, Forest({("d", 0): rows}).sources())
    found = {digits: index.find(ids[0].hex()[:digits]).tolist() for digits in (8, 16, 17, 18, 64)}
    assert found == {8: [0, 1, 2], 16: [0, 1, 2], 17: [0, 1], 18: [0], 64: [0]}


def test_a_nearer_way_that_is_found_later_counts(cache: Path) -> None:
    """Only where rounds name themselves and each other can a walk meet the longer way first."""

    def made(*parents: Node) -> Row:
        edges = [(parent, "seed", Fraction(0)) for parent in parents]
        return Row(content(parents), "synthetic", edges, None, None)

    a, b, c = ([(name, 1, at) for at in range(4)] for name in "abc")
    forest = Forest({("d", 0): {0: Row(content("d"), "real", [], None, None)}})
    forest.rounds["a", 1] = {0: made(a[1], c[1]), 1: made(a[2]), 2: made(("d", 0, 0))}
    forest.rounds["b", 1] = {0: made(a[2]), 1: made(a[0])}
    forest.rounds["c", 1] = {0: made(b[1]), 1: made(b[0]), 2: made(c[0], c[3]), 3: made(a[0])}
    forest.rounds["d", 1] = {0: made(c[2])}
    index, numbers = open_index(cache, forest.sources()), forest.numbers()
    assert len(index.cyclic) == 4
    for node, number in numbers.items():
        above = {numbers[each]: steps for each, steps in forest.ancestors({node}).items()}
        walked = ancestors(index, np.array([number]))
        assert dict(walked.nodes.iter_rows()) == above
        assert walked.edges.equals(index.parents(np.array(sorted(above))))
        below = {numbers[each]: steps for each, steps in forest.direct({node}).items() if steps}
        found = descendants(index, np.array([number]), include_indirect=False)
        assert dict(zip(found.direct.tolist(), found.steps.tolist(), strict=True)) == below


def ways_of_large_lakes() -> AbstractContextManager[object]:
    """Look parents up and sort what was found, as is fastest where few of many are asked for."""
    return patch.multiple(propagation, SCAN=0, SPARSE=0)


def starts(data: st.DataObject, forest: Forest) -> list[Node]:
    rows = sorted(forest.rows)
    return data.draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []


def numbered(forest: Forest, nodes: list[Node]) -> np.ndarray:
    numbers = forest.numbers()
    return np.array([numbers[node] for node in nodes], dtype=np.int64)


def check_order(index: Ancestry, forest: Forest) -> None:
    ordered, cyclic = forest.order()
    assert [(each.dataset, each.round) for each in index.segments] == ordered + cyclic
    assert [(each.dataset, each.round) for each in index.cyclic] == cyclic
    assert index.rows == len(forest.rows)
    assert index.edges == sum(len(row.parents) for row in forest.rows.values())
    base = 0
    for each in index.segments:
        name = each.dataset, each.round
        assert (each.base, each.rows) == (base, len(forest.rounds[name]))
        assert [mix.digest for mix in each.mixes] == sorted(forest.known(name))
        base += each.rows
    if cyclic:
        with pytest.raises(CycleError, match=f"round {cyclic[0][1]} of {cyclic[0][0]}"):
            list(derive(index))
        with pytest.raises(CycleError, match="cannot be put in order"):
            founders(index, np.arange(index.rows))


def check_lookups(index: Ancestry, forest: Forest, data: st.DataObject) -> None:
    numbers, rows = forest.numbers(), forest.rows
    absent = [("a", 0, 6), ("a", 0, -1), ("z", 0, 0), ("a", 7, -1)]
    asked = data.draw(st.lists(st.sampled_from([*rows, *absent]), max_size=9))
    frame = pl.DataFrame(asked, schema=["dataset", "round", "row"], orient="row")
    wanted = frame.cast({"dataset": pl.String, "round": pl.Int32, "row": pl.Int64})
    assert index.numbers(wanted).tolist() == [numbers.get(node, -1) for node in asked]

    held = [node for node in asked if node in rows]
    found = index.nodes(numbered(forest, held))
    assert found.to_dicts() == [
        {
            "number": numbers[node],
            **dict(zip(("dataset", "round", "row"), node, strict=True)),
            "sample_id": rows[node].sample_id,
            "kind": rows[node].kind,
            "decision": rows[node].decision,
            "trained_on": rows[node].trained_on,
            "rest": forest.rest(node),
        }
        for node in held
    ]
    for row in rows.values():
        digits = row.sample_id.hex()[: data.draw(st.integers(8, 64))]
        same = [numbers[node] for node in rows if rows[node].sample_id == row.sample_id]
        assert index.find(digits.upper()).tolist() == sorted(same)


def check_edges(index: Ancestry, forest: Forest, data: st.DataObject) -> None:
    numbers, rows = forest.numbers(), forest.rows
    asked = starts(data, forest)

    def edges(nodes: list[Node]) -> list[tuple[Any, ...]]:
        return [
            (numbers[node], numbers.get(parent, -1), *parent, relation, weight)
            for node in nodes
            for parent, relation, weight in rows[node].parents
        ]

    assert list(index.parents(numbered(forest, asked)).iter_rows()) == edges(asked)
    everything = edges(sorted(rows, key=lambda node: numbers[node]))
    orphans = [(child, *rest) for child, parent, *rest in everything if parent < 0]
    assert list(index.orphans().iter_rows()) == orphans
    of = {numbers[node] for node in asked}
    below = [(child, parent, *rest[3:]) for child, parent, *rest in everything if parent in of]
    below.sort(key=lambda each: (each[1], each[0]))
    assert list(index.children(numbered(forest, asked)).iter_rows()) == below


def check_walks(index: Ancestry, forest: Forest, data: st.DataObject) -> None:
    numbers = forest.numbers()
    asked, most = starts(data, forest), data.draw(st.none() | st.integers(0, 3))
    above = forest.ancestors(set(asked), most)
    found = ancestors(index, numbered(forest, asked), most_steps=most)
    ordered = sorted((steps, numbers[node]) for node, steps in above.items())
    assert list(found.nodes.select("steps", "number").iter_rows()) == ordered
    followed = sorted(numbers[node] for node in above if most is None or above[node] < most)
    assert found.edges.equals(index.parents(np.array(followed, dtype=np.int64)))

    below = {numbers[node]: steps for node, steps in forest.direct(set(asked)).items() if steps}
    came = descendants(index, numbered(forest, asked))
    assert dict(zip(came.direct.tolist(), came.steps.tolist(), strict=True)) == below
    assert came.direct.tolist() == sorted(below)
    assert came.indirect.tolist() == sorted(numbers[node] for node in forest.indirect(set(asked)))
    alone = descendants(index, numbered(forest, asked), include_indirect=False)
    assert (alone.direct.tolist(), alone.indirect.tolist()) == (sorted(below), [])


def check_members(index: Ancestry, forest: Forest) -> None:
    numbers = forest.numbers()
    for segment in index.segments:
        for digest in forest.mixes((segment.dataset, segment.round)):
            wanted = sorted(numbers[node] for node in forest.members(digest))
            assert index.members(segment, digest).tolist() == wanted
        with pytest.raises(QueryError, match="names no mix"):
            index.members(segment, "0" * 64)


def check_columns(index: Ancestry, forest: Forest) -> None:
    wanted = forest.columns()
    seen = 0
    for segment, frame in derive(index):
        name = segment.dataset, segment.round
        assert frame.columns == ["row", *DERIVED]
        assert frame["row"].to_list() == sorted(forest.rounds[name])
        for row in frame.to_dicts():
            at = row.pop("row")
            assert row == pytest.approx(wanted[(*name, at)], abs=1e-9), (name, at)
            seen += 1
    assert seen == len(wanted)


def check_figures(index: Ancestry, forest: Forest) -> None:
    found = {
        (row["dataset"], row["round"], row["mix"]): row for row in mix_figures(index).to_dicts()
    }
    wanted = {(*name, digest) for name in forest.rounds for digest in forest.mixes(name)}
    assert found.keys() == wanted
    for *_, digest in wanted:
        row = next(row for key, row in found.items() if key[2] == digest)
        members = forest.members(digest)
        known = digest not in forest.unknown
        assert row["held"] == len(members)
        assert row["rows"] == (forest.models[digest].manifest.rows if known else None)
        figures = forest.figures(digest) if members else dict.fromkeys(forest.figures(digest))
        assert {name: row[name] for name in figures} == pytest.approx(figures, abs=1e-9)


def check_founders(index: Ancestry, forest: Forest, data: st.DataObject) -> None:
    numbers = forest.numbers()
    asked, top = starts(data, forest), data.draw(st.integers(0, 3))
    ends = forest.ends(asked)
    real = {node: float(mass) for node, mass in ends.items() if not isinstance(node, str)}
    mass = sum(real.values())
    found = founders(index, numbered(forest, asked), top=top)
    assert found.mass == pytest.approx(mass)
    assert found.opaque == pytest.approx(float(ends.get("opaque", 0)))
    assert found.lost == pytest.approx(float(ends.get("lost", 0)))
    squares = sum(each**2 for each in real.values())
    wanted = mass**2 / squares if real else None
    assert found.equivalents == pytest.approx(wanted)
    shares = {numbers[node]: each / mass for node, each in real.items()}
    assert len(found.top) == min(top, len(real))
    for number, share in found.top.iter_rows():
        assert share == pytest.approx(shares[number])
    assert found.top["share"].is_sorted(descending=True)
    if len(found.top) == top:
        least = found.top["share"].min() if top else 1.0
        assert all(
            share <= least + 1e-12
            for number, share in shares.items()
            if number not in found.top["number"].to_list()
        )
