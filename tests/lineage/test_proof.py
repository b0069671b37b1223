"""Each thing that can be wrong with a lake is planted by itself, and found as what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from lineage.errors import SchemaError
from lineage.manifest import MixManifest
from lineage.proof.findings import CHECKS, DERIVED, MADE_AGAIN
from tests.lineage.conftest import content
from tests.lineage.healthy import LINKS, Found, Lake, findings, healthy, proofs

NAN = float("nan")


def rehash(mix: MixManifest, **changed: object) -> MixManifest:
    """A manifest that was written like this, not altered afterwards."""
    return MixManifest(**{**mix.model_dump(exclude={"digest"}), **changed})


def part(mix: MixManifest, **changed: object) -> MixManifest:
    """The same with another last round."""
    *others, last = [each.model_dump() for each in mix.rounds]
    return rehash(mix, rounds=[*others, {**last, **changed}])


def real_in_a_later_round(lake: Lake) -> None:
    nothing = dict.fromkeys(("generator", "trained_on"))
    derived = {"real_inputs": 1, "real_roots": 1, "depth_mean": 0, "depth_min": 0, "depth_max": 0}
    lake.put(("d", 3), "lineage", 2, kind="real", **nothing, **derived)


def accepted_though_failed(lake: Lake, whole: bool = False) -> None:
    at = (
        pl.col("row").is_null()
        if whole
        else (pl.col("row") == 2) & (pl.col("severity") != "warning")
    )
    frame = lake.tables["e", 2]["verdicts"]
    word = pl.when(at).then(pl.lit("failed")).otherwise("verdict")
    lake.tables["e", 2]["verdicts"] = frame.with_columns(word.alias("verdict"))


def a_sample_that_was_rejected(lake: Lake) -> None:
    samples = lake.tables["e", 2]["samples"]
    again = samples.head(1).with_columns(
        pl.lit(3, pl.Int64).alias("row"), pl.lit(lake.id_of(("e", 2), 3)).alias("sample_id")
    )
    lake.tables["e", 2]["samples"] = pl.concat([samples, again])


def without(lake: Lake, *tables: str) -> None:
    for table in tables:
        del lake.tables["e", 2][table]


def retyped(lake: Lake, column: str) -> None:
    """Text where numbers or bytes should be."""
    lake.tables[R]["lineage"] = lake.tables[R]["lineage"].with_columns(pl.lit("x").alias(column))


R = ("d", 3)
"""The round of most plants: nobody decided on it, and nothing comes from it."""
PLANTS: dict[str, tuple[Callable[[Lake], object], list[Found]]] = {
    "row twice": (lambda lake: lake.twice(R, "lineage", 2), [("rows", *R, 2)] * 2),
    "decision twice": (
        lambda lake: lake.twice(("e", 2), "decisions", 2),
        [("rows", "e", 2, 2)] * 2,
    ),
    "sample twice": (lambda lake: lake.twice(("e", 2), "samples", 2), [("rows", "e", 2, 2)] * 2),
    "other round": (lambda lake: lake.put(R, "lineage", 2, round=2), [("rows", *R, 2)]),
    "real later": (real_in_a_later_round, [("kinds", *R, 2)]),
    "real with parents": (
        lambda lake: lake.parents(("e", 0), 3, ("d", 0, 1, "seed", 0.5)),
        [("kinds", "e", 0, 3)],
    ),
    "not real in round 0": (
        lambda lake: lake.put(("d", 0), "lineage", 5, kind="synthetic", generator="g"),
        [("kinds", "d", 0, 5)],
    ),
    "edited without": (lambda lake: lake.put(R, "lineage", 0, kind="edited"), [("kinds", *R, 0)]),
    "synthetic with": (
        lambda lake: lake.put(R, "lineage", 1, kind="synthetic"),
        [("kinds", *R, 1)],
    ),
    "no generator": (
        lambda lake: lake.put(R, "lineage", 3, generator=None),
        [("generators", *R, 3)],
    ),
    "real, generated": (
        lambda lake: lake.put(("d", 0), "lineage", 5, generator="g"),
        [("generators", "d", 0, 5)],
    ),
    "negative": (
        lambda lake: lake.parents(R, 2, ("d", 2, 1, "seed", -0.25)),
        [("weights", *R, 2)],
    ),
    "not a number": (
        lambda lake: lake.parents(R, 2, ("d", 2, 1, "seed", NAN)),
        [("weights", *R, 2)],
    ),
    "no weight": (lambda lake: lake.parents(R, 2, ("d", 2, 1, "seed", None)), [("weights", *R, 2)]),
    "heavy": (lambda lake: lake.parents(R, 2, ("d", 2, 1, "seed", 1.5)), [("weights", *R, 2)]),
    "heavy in all": (
        lambda lake: lake.parents(R, 2, ("d", 2, 1, "seed", 0.75), ("d", 2, 0, "seed", 0.75)),
        [("weights", *R, 2)],
    ),
    "absent row": (
        lambda lake: lake.parents(R, 2, ("d", 2, 99, "seed", 0.5)),
        [("parents", *R, 2)],
    ),
    "absent round": (
        lambda lake: lake.parents(R, 2, ("e", 7, 0, "seed", 0.5), ("z", 0, 0, "seed", 0.25)),
        [("parents", *R, 2)] * 2,
    ),
    "no place": (
        lambda lake: lake.parents(R, 2, ("d", 2, None, "seed", 0.5)),
        [("parents", *R, 2)],
    ),
    "same round": (lambda lake: lake.parents(R, 2, ("d", 3, 1, "seed", 0.5)), [("order", *R, 2)]),
    "later round": (
        lambda lake: lake.parents(("d", 1), 3, ("d", 2, 1, "seed", 0.5)),
        [("order", "d", 1, 3)],
    ),
    "circle": (
        lambda lake: lake.parents(("e", 1), 3, ("d", 2, 3, "seed", 0.5)),
        [("order", "d", 2, 2), ("order", "e", 1, 3)],
    ),
    "unknown mix": (
        lambda lake: lake.put(R, "lineage", 2, trained_on="f" * 64),
        [("mixes", *R, 2)],
    ),
    "a mix's share": (
        lambda lake: lake.remix(("e", 2), rehash(lake.mixes["e", 2], real_share=0.01)),
        [("mix_figures", "e", 2, None)],
    ),
    "a mix's roots": (
        lambda lake: lake.remix(R, rehash(lake.mixes[R], real_roots=0.9)),
        [("mix_figures", *R, None)],
    ),
    "a mix's depth": (
        lambda lake: lake.remix(R, rehash(lake.mixes[R], depth_mean=0.7)),
        [("mix_figures", *R, None)],
    ),
    "a mix's least depth": (
        lambda lake: lake.remix(("d", 2), rehash(lake.mixes["d", 2], depth_max=2)),
        [("mix_figures", "d", 2, None)],
    ),
    "a mix's weight": (
        lambda lake: lake.remix(R, part(lake.mixes[R], accepted=7)),
        [("mix_figures", *R, None)],
    ),
    "a mix's rows": (
        lambda lake: lake.left_out.pop(R),
        [("mix_figures", *R, None)] * 7,
    ),
    "a mix's list": (
        lambda lake: lake.remix(R, rehash(lake.mixes[R], left_out_digest="0" * 64)),
        [("mix_figures", *R, None)],
    ),
    "no verdict": (
        lambda lake: lake.drop(("e", 2), "verdicts", 2),
        [("verdicts", "e", 2, 2)],
    ),
    "no verdicts": (
        lambda lake: without(lake, "verdicts"),
        [("verdicts", "e", 2, row) for row in (0, 1, 2, 4, 5)],
    ),
    "failed": (accepted_though_failed, [("critical", "e", 2, 2)]),
    "failed as a whole": (
        partial(accepted_though_failed, whole=True),
        [("critical", "e", 2, None)],
    ),
    "no sample": (lambda lake: lake.drop(("e", 2), "samples", 2), [("decisions", "e", 2, 2)]),
    "no real sample": (lambda lake: lake.drop(("d", 0), "samples", 5), [("decisions", "d", 0, 5)]),
    "no decision": (lambda lake: lake.drop(("e", 2), "decisions", 2), [("decisions", "e", 2, 2)]),
    "odd decision": (
        lambda lake: lake.put(("e", 2), "decisions", 2, decision="maybe"),
        [("decisions", "e", 2, 2)],
    ),
    "no lineage": (lambda lake: lake.drop(("e", 2), "lineage", 2), [("decisions", "e", 2, 2)]),
    "no lineage at all": (
        lambda lake: without(lake, "lineage"),
        [("decisions", "e", 2, row) for row in range(6)],
    ),
    "rejected sample": (a_sample_that_was_rejected, [("decisions", "e", 2, 3)]),
    "other sample": (
        lambda lake: lake.put(("e", 2), "samples", 2, sample_id=content("x")),
        [("sample_ids", "e", 2, 2)],
    ),
    "other decision": (
        lambda lake: lake.put(("e", 2), "decisions", 3, sample_id=content("x")),
        [("sample_ids", "e", 2, 3)],
    ),
    "no id": (lambda lake: lake.put(R, "lineage", 2, sample_id=b"short"), [("sample_ids", *R, 2)]),
    "odd ids": (
        partial(retyped, column="sample_id"),
        [("sample_ids", *R, row) for row in range(4)],
    ),
    "odd rows": (partial(retyped, column="row"), [("rows", *R, None)] * 4),
    "twice in a round": (
        lambda lake: lake.content(("e", 2), 4, lake.id_of(("e", 2), 2)),
        [("contents", "e", 2, 4)],
    ),
    "twice in rounds": (
        lambda lake: lake.content(("e", 2), 4, lake.id_of(("e", 0), 1)),
        [("contents", "e", 2, 4)],
    ),
}
WRONG = {
    "real_inputs": 0.4999,
    "real_roots": 0.4999,
    "depth_mean": 1.9999,
    "depth_min": 0,
    "depth_max": 9,
}
PLANTS |= {
    name: (partial(Lake.put, at=R, table="lineage", row=1, **{name: value}), [(name, *R, 1)])
    for name, value in [*WRONG.items(), ("real_roots", NAN)]
}
PLANTS |= {
    f"no {name}": (partial(Lake.put, at=R, table="lineage", row=0, **{name: None}), [(name, *R, 0)])
    for name in DERIVED
}


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of indexes: rounds that nobody spoiled are indexed once."""
    return tmp_path_factory.mktemp("indexes")


def test_a_healthy_lake_is_proved_clean(indexes: Path) -> None:
    lake = healthy()
    found = proofs(lake, indexes)
    assert findings(found) == []
    assert {each.check for each in found} == set(CHECKS) - set(MADE_AGAIN)
    checked = Counter[str]()
    for each in found:
        checked[each.check] += each.checked
    rows = sum(len(held["lineage"]) for held in lake.tables.values())
    assert {checked[name] for name in DERIVED} == {rows}
    assert checked["parents"] == sum(len(links) for links in LINKS.values())
    assert checked["mix_figures"] == len(lake.mixes)
    unproved = {each.check: each.reason for each in found if each.unproved}
    nothing = "the manifest of the real data names no identity columns"
    assert unproved == {"payload": nothing, "columns": nothing}


@pytest.mark.parametrize("what", PLANTS)
def test_what_is_planted_is_found_and_nothing_else(what: str, indexes: Path) -> None:
    plant, wanted = PLANTS[what]
    lake = healthy()
    plant(lake)
    found = findings(proofs(lake, indexes))
    assert sorted((at for at, _ in found), key=str) == sorted(wanted, key=str), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("kind"), "the lineage of round 3 of d has no column 'kind'"),
        (lambda frame: frame.with_columns(parents=pl.lit(1)), "of another type than it should"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_error(
    change: Callable[[pl.DataFrame], pl.DataFrame], said: str, indexes: Path
) -> None:
    lake = healthy()
    lake.tables[R]["lineage"] = change(lake.tables[R]["lineage"])
    with pytest.raises(SchemaError, match=said):
        proofs(lake, indexes)
