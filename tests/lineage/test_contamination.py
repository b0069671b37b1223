"""Leaks are followed along explicit parents, to the end and no farther."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import strategies as st

from lineage import contamination, edges
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from tests.examples import few_and_many, holds
from tests.lineage.conftest import derived, real_rows
from tests.lineage.worlds import Node, World, stored, worlds

LEAK = {**contamination.NODE, "equal": pl.Boolean}


def index(directory: Path, lake: dict[str, pl.DataFrame]) -> Ancestry:
    """The index of lineage rows by data set."""
    sources = [
        Source(name, number, f"{name}{number}", part.lazy)
        for name, rows in lake.items()
        for (number,), part in rows.partition_by("round", as_dict=True).items()
    ]
    return open_index(directory, sources)


def leaks(*places: tuple[str, int, int, bool]) -> pl.DataFrame:
    return pl.DataFrame(places, schema=LEAK, orient="row")


@pytest.fixture
def line(tmp_path: Path) -> Ancestry:
    """Row 0 of each round is edited from row 0 of the round before, row 1 seeded by row 1 of d."""
    lake = {"d": real_rows(2)}
    for number in (1, 2, 3):
        links = [
            (0, "d", number - 1, 0, "edited", 0.0),
            (1, "d", number - 1, 1, "seed", 0.5),
        ]
        parents = pl.DataFrame(links, schema=edges.PARENT, orient="row")
        rows = derived(3, number, None, parents=parents, stored=stored(**lake))
        lake["d"] = pl.concat([lake["d"], rows])
    parents = pl.DataFrame([(1, "d", 2, 1, "seed", 1.0)], schema=edges.PARENT, orient="row")
    lake["e"] = derived(2, 1, None, "e", parents=parents, stored=stored(**lake))
    return index(tmp_path, lake)


def test_descendants_of_a_leak_are_contaminated(line: Ancestry) -> None:
    found = contamination.propagate(line, leaks(("d", 1, 0, False)))
    assert found.schema == contamination.CONTAMINATED
    assert found.rows() == [
        ("d", 1, 0, contamination.NEAR),
        ("d", 2, 0, contamination.DESCENDS),
        ("d", 3, 0, contamination.DESCENDS),
    ]


def test_contamination_crosses_data_sets(line: Ancestry) -> None:
    found = contamination.propagate(line, leaks(("d", 0, 1, True)))
    assert found.rows()[0] == ("d", 0, 1, contamination.EQUAL)
    assert found.filter(pl.col("why") == contamination.DESCENDS).drop("why").rows() == [
        ("d", 1, 1),
        ("d", 2, 1),
        ("d", 3, 1),
        ("e", 1, 1),
    ]


def test_a_row_is_contaminated_once_for_the_strongest_reason(line: Ancestry) -> None:
    twice = leaks(("d", 2, 0, False), ("d", 1, 0, False), ("d", 2, 0, True), ("d", 2, 0, False))
    assert contamination.propagate(line, twice).rows() == [
        ("d", 1, 0, contamination.NEAR),
        ("d", 2, 0, contamination.EQUAL),
        ("d", 3, 0, contamination.DESCENDS),
    ]


def test_no_leak_contaminates_nothing_and_an_unknown_one_itself(line: Ancestry) -> None:
    assert contamination.propagate(line, leaks()).is_empty()
    assert contamination.propagate(line, leaks(("gone", 1, 0, True))).rows() == [
        ("gone", 1, 0, contamination.EQUAL)
    ]


@few_and_many(4, 25)
def test_contamination_is_what_a_plain_walk_finds(examples: int) -> None:
    holds(examples, check_contamination, worlds(), st.data())


def check_contamination(drawn: tuple[World, dict[str, pl.DataFrame]], data: st.DataObject) -> None:
    world, lake = drawn
    nodes = sorted(set(world.parents) | set(world.accepted))
    start = data.draw(st.sets(st.sampled_from(nodes), max_size=3))
    with tempfile.TemporaryDirectory() as place:
        found = contamination.propagate(
            index(Path(place), lake), leaks(*((*node, True) for node in start))
        )
    expected = {node for node in nodes if reaches(world, node, start)}
    assert set(found.drop("why").iter_rows()) == expected
    assert set(found.filter(pl.col("why") == contamination.EQUAL).drop("why").iter_rows()) == start


def reaches(world: World, node: Node, start: set[Node]) -> bool:
    above = world.parents.get(node, [])
    return node in start or any(reaches(world, target, start) for target, _, _ in above)
