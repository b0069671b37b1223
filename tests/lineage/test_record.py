"""Derived columns, against closed forms and against all walks over random family trees."""

from __future__ import annotations

import polars as pl
import pytest

from lineage import edges, record, schema, training_mix
from lineage.errors import ParentError, SchemaError
from tests.examples import few_and_many, holds
from tests.lineage.conftest import candidate_rows, derived, ids, real_rows
from tests.lineage.worlds import World, stored, worlds

DERIVED = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")


def links(*rows: tuple[int, str, int, int, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=edges.PARENT, orient="row")


@few_and_many(10, 75)
def test_derived_columns_are_those_of_all_walks(examples: int) -> None:
    holds(examples, check_columns, worlds())


def check_columns(built: tuple[World, dict[str, pl.DataFrame]]) -> None:
    world, lake = built
    for dataset, rows in lake.items():
        assert rows.schema == schema.LINEAGE
        for row in rows.filter(pl.col("round") > 0).to_dicts():
            node = dataset, row["round"], row["row"]
            expected = world.columns(node)
            for name in DERIVED:
                assert row[name] == pytest.approx(expected[name], abs=2e-6), (node, name)
            edited = any(relation == "edited" for _, relation, _ in world.parents[node])
            assert row["kind"] == ("edited" if edited else "synthetic")
            assert [
                ((each["dataset"], each["round"], each["row"]), each["relation"], each["weight"])
                for each in row["parents"]
            ] == [(target, relation, float(w)) for target, relation, w in world.parents[node]]


def test_real_rows() -> None:
    found = real_rows(2)
    assert found.schema == schema.LINEAGE
    assert found.to_dicts()[1] | {"sample_id": None} == {
        **dict.fromkeys(schema.LINEAGE),
        "round": 0,
        "row": 1,
        "kind": "real",
        "parents": [],
        "source": "s",
        "licence": "l",
        "real_inputs": 1,
        "real_roots": 1,
        "depth_mean": 0,
        "depth_min": 0,
        "depth_max": 0,
    }


def test_real_rows_keep_their_numbers() -> None:
    frame = pl.DataFrame({"row": [7, 3], "source": ["s", None], "licence": [None, None]})
    found = record.real(frame.with_columns(ids("ab")))
    assert found["row"].to_list() == [3, 7]
    with pytest.raises(SchemaError, match="row 7 more than once"):
        record.real(frame.with_columns(pl.lit(7).alias("row"), ids("ab")))
    with pytest.raises(SchemaError, match="'licence'"):
        record.real(frame.drop("licence").with_columns(ids("ab")))


def test_a_candidate_of_a_mix() -> None:
    mix = training_mix.build(
        real_rows(4), dataset="d", commit="c", regime="accumulate", real_weight=1.0
    ).manifest
    digest = b"p" * 32
    rows = candidate_rows(2, 1).with_columns(pl.lit(digest).alias("prompt_digest"))
    found = record.derive(
        rows.reverse(), round_number=1, dataset="d", generator="g", attribution="mix/1", mix=mix
    )
    assert found["row"].to_list() == [0, 1]
    first = found.to_dicts()[0]
    assert first["trained_on"] == mix.digest
    assert (first["generator"], first["attribution"], first["kind"]) == ("g", "mix/1", "synthetic")
    assert (first["seed"], first["shard"], first["prompt_digest"]) == (7, 0, digest)
    assert (first["parents"], first["source"], first["licence"]) == ([], None, None)
    assert [first[name] for name in DERIVED] == [1, 1, 1, 1, 1]


def test_a_candidate_of_an_opaque_model() -> None:
    first = derived(1, 1, None).to_dicts()[0]
    assert first["trained_on"] is None
    assert [first[name] for name in DERIVED] == [0, 0, None, None, None]


def test_a_chain_of_seeds_is_as_deep_as_it_is_long() -> None:
    rows = real_rows(1)
    for number in range(1, 6):
        parent = links((0, "d", number - 1, 0, "seed", 1.0))
        rows = pl.concat([rows, derived(1, number, None, parents=parent, stored=stored(d=rows))])
    last = rows.to_dicts()[-1]
    assert [last[name] for name in DERIVED] == [0, 1, 5, 5, 5]


def test_a_star_has_depth_one() -> None:
    star = links(*((0, "d", 0, row, "seed", 0.1) for row in range(10)))
    found = derived(1, 1, None, parents=star, stored=stored(d=real_rows(10))).to_dicts()[0]
    assert [found[name] for name in DERIVED] == pytest.approx([1, 1, 1, 1, 1])


def test_thirds_sum_to_one() -> None:
    thirds = links(*((0, "d", 0, row, "seed", 1 / 3) for row in range(3)))
    found = derived(1, 1, None, parents=thirds, stored=stored(d=real_rows(3))).to_dicts()[0]
    assert found["real_roots"] == pytest.approx(1)
    assert found["real_inputs"] <= 1


def test_what_rounding_leaves_is_nothing() -> None:
    rows = pl.concat([real_rows(2), derived(2, 1, None)])
    deep = pl.concat([real_rows(2), _seeded_by_the_first(rows, 1, 2)])
    mix = training_mix.build(deep, dataset="d", commit="c", regime="replace").manifest
    most = links((0, "d", 0, 0, "seed", 0.9), (0, "d", 0, 1, "seed", 0.1))
    found = derived(1, 3, mix, parents=most, stored=stored(d=rows)).to_dicts()[0]
    assert [found[name] for name in DERIVED] == pytest.approx([1, 1, 1, 1, 1])


def _seeded_by_the_first(rows: pl.DataFrame, size: int, number: int) -> pl.DataFrame:
    parents = links((0, "d", 0, 0, "seed", 1.0))
    return derived(size, number, None, parents=parents, stored=stored(d=rows))


def test_a_parent_of_weight_nothing_has_no_say() -> None:
    first = derived(1, 1, None)
    lake = stored(d=pl.concat([real_rows(1), first]))
    parents = links((0, "d", 0, 0, "seed", 0.0))
    found = derived(1, 2, None, parents=parents, stored=lake).to_dicts()[0]
    assert [found[name] for name in DERIVED] == [0, 0, None, None, None]
    assert len(found["parents"]) == 1


ONE = real_rows(2)
LAKE = stored(d=pl.concat([ONE, derived(2, 1, None)]), e=ONE)


@pytest.mark.parametrize(
    ("parents", "said"),
    [
        (links((0, "d", 0, 9, "seed", 0.5)), "row 9 of round 0 of d as a parent, which the lake"),
        (links((0, "f", 0, 0, "seed", 0.5)), "of f as a parent, which the lake does not hold"),
        (
            links((0, "d", 0, 9, "seed", 0.5), (1, "d", 0, 8, "seed", 0.5)),
            "candidate 0 names row 9 .* held out.*; 1 more candidates are wrong",
        ),
        (links((0, "d", 2, 0, "seed", 0.5)), "not earlier than round 2"),
        (links((0, "d", 3, 0, "seed", 0.5)), "not earlier than round 2"),
        (links((5, "d", 0, 0, "seed", 0.5)), "candidate 5 .* no candidate of this round"),
        (links((0, "d", 0, 0, "seed", -0.5)), "with a weight that is no number from 0 to 1"),
        (links((0, "d", 0, 0, "seed", float("nan"))), "with a weight that is no number"),
        (links((0, "d", 0, 0, "seed", 1.1)), "weights of its parents exceed 1"),
        (
            links((1, "d", 0, 0, "seed", 0.6), (1, "d", 0, 1, "edited", 0.6)),
            "candidate 1 .* exceed 1",
        ),
    ],
)
def test_what_cannot_be_a_parent(parents: pl.DataFrame, said: str) -> None:
    with pytest.raises(ParentError, match=said):
        derived(2, 2, None, parents=parents, stored=LAKE)


def test_a_later_round_of_another_data_set_may_be_a_parent() -> None:
    other = stored(e=derived(1, 5, None))
    found = derived(1, 1, None, parents=links((0, "e", 5, 0, "seed", 1.0)), stored=other)
    assert found["parents"].list.len().to_list() == [1]


def test_parents_need_their_stored_values() -> None:
    with pytest.raises(ParentError, match="does not hold"):
        derived(1, 2, None, parents=links((0, "d", 0, 0, "seed", 0.5)))


def test_a_mix_is_of_earlier_rounds() -> None:
    rows = pl.concat([real_rows(2), derived(2, 1, None)])
    mix = training_mix.build(
        rows, dataset="d", commit="c", regime="replace", real_weight=1.0
    ).manifest
    assert len(derived(1, 2, mix)) == 1
    with pytest.raises(ParentError, match="mix holds round 1 of d"):
        derived(1, 1, mix)
    assert len(derived(1, 1, mix, "e")) == 1


def test_a_kind_must_agree_with_the_parents() -> None:
    said = candidate_rows(1, 2).with_columns(pl.lit("edited").alias("kind"))
    about = {"round_number": 2, "dataset": "d", "generator": "g", "attribution": "a", "mix": None}
    edit = links((0, "d", 0, 0, "edited", 1.0))
    found = record.derive(said, parents=edit, stored=LAKE, **about)
    assert found["kind"].to_list() == ["edited"]
    with pytest.raises(ParentError, match="candidate 0 is said to be edited"):
        record.derive(said, **about)
    real = said.with_columns(pl.lit("real").alias("kind"))
    with pytest.raises(ParentError, match="said to be real"):
        record.derive(real, **about)


def test_candidates_that_cannot_be_recorded() -> None:
    rows = candidate_rows(2, 1)
    about = {"round_number": 1, "dataset": "d", "generator": "g", "attribution": "a", "mix": None}
    with pytest.raises(SchemaError, match="row 0 more than once"):
        record.derive(rows.with_columns(pl.lit(0).alias("row")), **about)
    with pytest.raises(SchemaError, match="'seed'"):
        record.derive(rows.drop("seed"), **about)
    with pytest.raises(SchemaError, match="'label' is unknown; known: row"):
        record.derive(rows.with_columns(label=1), **about)
    with pytest.raises(SchemaError, match=r"record it with lineage\.record\.real"):
        record.derive(rows, **(about | {"round_number": 0}))


def test_no_candidates_make_no_rows() -> None:
    found = derived(0, 1, None)
    assert found.schema == schema.LINEAGE
    assert found.is_empty()
