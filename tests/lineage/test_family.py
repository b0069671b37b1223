from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lineage import edges, family, training_mix
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.training_mix import MixManifest
from tests.lineage.conftest import content, derived, real_rows

PARENTS = pl.DataFrame(
    [
        (0, "d", 0, 3, "seed", 0.5),
        (0, "e", 0, 1, "seed", 0.25),
        (1, "d", 0, 3, "edited", 1.0),
    ],
    schema=edges.PARENT,
    orient="row",
)
AGAIN = pl.DataFrame(
    [(0, "d", 1, 1, "seed", 0.5), (0, "d", 0, 3, "seed", 0.25), (0, "d", 1, 0, "seed", 0.0)],
    schema=edges.PARENT,
    orient="row",
)


def dated(rows: pl.DataFrame, dataset: str) -> pl.DataFrame:
    return rows.with_columns(pl.lit(dataset).alias("dataset"))


def mix_of(rows: pl.DataFrame, regime: str) -> MixManifest:
    return training_mix.build(rows, dataset="d", commit="c", regime=regime).manifest


REAL, OTHER = real_rows(4), real_rows(2, "e")
FIRST = mix_of(REAL, "accumulate")
ONE = derived(3, 1, FIRST, parents=PARENTS, stored=pl.concat([dated(REAL, "d"), dated(OTHER, "e")]))
LAST = mix_of(pl.concat([REAL, ONE.head(2)]), "replace")
TWO = derived(2, 2, LAST, parents=AGAIN, stored=pl.concat([dated(REAL, "d"), dated(ONE, "d")]))
LINEAGE = pl.concat([dated(REAL, "d"), dated(OTHER, "e"), dated(ONE, "d"), dated(TWO, "d")])


@pytest.fixture
def index(tmp_path: Path) -> Ancestry:
    decided = ONE.select("round", "row", decision=pl.Series(["accepted", "accepted", "rejected"]))
    return open_index(
        tmp_path,
        [
            Source("d", 0, "0", lineage=REAL.lazy),
            Source("e", 0, "1", lineage=OTHER.lazy),
            Source("d", 1, "2", ONE.lazy, decided.lazy, {FIRST.digest: FIRST}),
            Source("d", 2, "3", lineage=TWO.lazy, mixes={LAST.digest: LAST}),
        ],
    )


def number(index: Ancestry, dataset: str, round_number: int, row: int) -> int:
    at = pl.DataFrame({"dataset": [dataset], "round": [round_number], "row": [row]})
    return int(index.numbers(at)[0])


def test_a_family_is_followed_to_its_ends(index: Ancestry) -> None:
    found = family.trace(index, number(index, "d", 2, 0))
    assert found.nodes.select(*family.NODE, "steps", "kind").rows() == [
        ("d", 2, 0, 0, "synthetic"),
        ("d", 0, 3, 1, "real"),
        ("d", 1, 0, 1, "synthetic"),
        ("d", 1, 1, 1, "edited"),
        ("e", 0, 1, 2, "real"),
    ]
    links = {
        (each["dataset"], each["round"], each["row"]): [
            (link["dataset"], link["round"], link["row"], link["relation"], link["weight"])
            for link in each["parents"]
        ]
        for each in found.nodes.to_dicts()
    }
    assert links["d", 2, 0] == [
        ("d", 1, 1, "seed", 0.5),
        ("d", 0, 3, "seed", 0.25),
        ("d", 1, 0, "seed", 0.0),
    ]
    assert links["d", 1, 1] == [("d", 0, 3, "edited", 1.0)]
    assert links["d", 0, 3] == []


def test_a_family_of_one(index: Ancestry) -> None:
    for at in (("d", 0, 0), ("d", 1, 2)):
        found = family.trace(index, number(index, *at))
        assert found.occurrences.rows() == [at]
        assert found.nodes["parents"].to_list() == [[]]


def test_facts_are_those_of_each_member(index: Ancestry) -> None:
    found = family.trace(index, number(index, "d", 2, 0)).with_facts(LINEAGE)
    assert found.nodes["licence"].to_list() == [None, "l", None, None, "l"]
    assert found.nodes["generator"].to_list() == ["g", None, "g", "g", None]
    assert found.nodes["sample_id"][3] == content("d round 1 row 1")
    partly = family.trace(index, number(index, "d", 2, 0)).with_facts(LINEAGE.head(0))
    assert partly.nodes["licence"].to_list() == [None] * 5


def test_a_family_ends_at_mixes_where_weight_is_left(index: Ancestry) -> None:
    found = family.mixes(family.trace(index, number(index, "d", 2, 0)))
    assert found == {FIRST.digest: ("d", 1), LAST.digest: ("d", 2)}
    edited = family.mixes(family.trace(index, number(index, "d", 1, 1)))
    assert edited == {}  # its parent has all the weight


def test_the_real_rows_of_a_mix_are_its_own_and_those_behind_it(index: Ancestry) -> None:
    first = family.roots(index, "d", 1, FIRST.digest)
    assert first is not None
    real = [number(index, "d", 0, row) for row in range(4)]
    assert first.direct.tolist() == first.behind.tolist() == real
    last = family.roots(index, "d", 2, LAST.digest)
    assert last is not None
    assert (last.direct.tolist(), last.behind.tolist()) == ([], real)
    assert family.roots(index, "d", 2, FIRST.digest) is None
    assert family.roots(index, "x", 2, LAST.digest) is None


def test_occurrences_are_counted_by_round(index: Ancestry) -> None:
    every = np.arange(index.rows)
    assert family.by_round(index, every).rows() == [
        ("d", 0, 4),
        ("d", 1, 3),
        ("d", 2, 2),
        ("e", 0, 2),
    ]
    one = np.array([number(index, "e", 0, 1)])
    assert family.by_round(index, one).rows() == [("e", 0, 1)]
    assert family.by_round(index, every[:0]).is_empty()
