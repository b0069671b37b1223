"""What a proof says of whole family trees: random ones, deep ones, ones that are not sound."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from lineage import edges
from lineage.proof.findings import Batch
from tests.examples import few_and_many, holds
from tests.lineage.conftest import derived, real_rows
from tests.lineage.healthy import Lake, findings, healthy, proofs, verdicts
from tests.lineage.worlds import DATASETS, World, worlds

NOT_STATED = {"payload", "columns"}
"""Checks of what these worlds, whose samples have no payload, do not state."""


@few_and_many(3, 15)
def test_what_was_recorded_round_by_round_is_proved(examples: int) -> None:
    holds(examples, check_proved, worlds())


def check_proved(world: tuple[World, dict[str, pl.DataFrame]]) -> None:
    """Shared content, copies, rejected parents, opaque models: the graph gives what was stored."""
    with TemporaryDirectory() as directory:
        found = proofs(grown(*world), Path(directory), only=DATASETS)
    assert findings(found) == []
    assert {each.check for each in found if each.unproved} <= NOT_STATED


def grown(world: World, lineage: dict[str, pl.DataFrame]) -> Lake:
    """The tables of a random world."""
    lake = Lake(mixes=world.mixes)
    for dataset, rows in lineage.items():
        for (number,), part in rows.group_by("round", maintain_order=True):
            at = dataset, int(str(number))
            taken = pl.col("row").is_in([node[2] for node in world.accepted if node[:2] == at])
            word = pl.when(taken).then(pl.lit("accepted")).otherwise(pl.lit("rejected"))
            lake.tables[at] = {"lineage": part, "samples": part.filter(taken)}
            if number:
                lake.tables[at] |= {
                    "decisions": part.with_columns(word.alias("decision")),
                    "verdicts": verdicts(part).filter(pl.col("verdict") == "passed"),
                }
    return lake


@pytest.mark.simulation
def test_errors_of_single_precision_stay_within_their_bound(tmp_path: Path) -> None:
    """Forty generations with weights that are no sums of halves."""
    lake = deep(rounds=40, size=20)
    assert findings(proofs(lake, tmp_path)) == []
    last = lake.tables["d", 40]["lineage"]
    assert last["depth_max"].max() == 40
    lake.put(("d", 40), "lineage", 3, real_roots=last["real_roots"][3] * (1 + 2e-5))
    lake.put(("d", 40), "lineage", 4, depth_mean=last["depth_mean"][4] + 5e-3)
    wanted = [("real_roots", "d", 40, 3), ("depth_mean", "d", 40, 4)]
    assert [at for at, _ in findings(proofs(lake, tmp_path))] == wanted


def deep(rounds: int, size: int) -> Lake:
    """Rounds in which each row has two earlier parents, the last round's first row among them."""
    draw = np.random.default_rng(3)
    lake = Lake(tables={("d", 0): {"lineage": real_rows(size)}})
    lake.tables["d", 0]["samples"] = lake.tables["d", 0]["lineage"]
    stored = [lake.tables["d", 0]["lineage"].with_columns(pl.lit("d").alias("dataset"))]
    for number in range(1, rounds + 1):
        far = draw.integers(0, number, size).tolist()
        weights = draw.dirichlet([1, 1, 0.5], size)
        links = [
            (row, "d", at, int(draw.integers(size)) if part else 0, "seed", weights[row, part])
            for row in range(size)
            for part, at in enumerate((number - 1, far[row]))
        ]
        rows = derived(
            size,
            number,
            None,
            parents=pl.DataFrame(links, schema=edges.PARENT, orient="row"),
            stored=pl.concat(stored),
        )
        stored.append(rows.with_columns(pl.lit("d").alias("dataset")))
        lake.tables["d", number] = {"lineage": rows}
    return lake


def test_a_data_set_is_judged_by_itself_in_the_whole_tree(tmp_path: Path) -> None:
    lake = healthy()
    lake.put(("d", 2), "lineage", 0, depth_max=7)
    lake.drop(("e", 2), "samples", 2)
    assert [at for at, _ in findings(proofs(lake, tmp_path, only=["d"]))] == [
        ("depth_max", "d", 2, 0)
    ]
    assert [at for at, _ in findings(proofs(lake, tmp_path, only=["e"]))] == [
        ("decisions", "e", 2, 2)
    ]


def test_what_descends_from_what_is_not_sound_is_not_provable(tmp_path: Path) -> None:
    """A row of `e` has no parent; a row of `d` names it, and all of the next round learn of it."""
    lake = healthy()
    lake.parents(("e", 1), 0, ("d", 0, 99, "seed", 0.5))
    found = proofs(lake, tmp_path)
    assert {at for at, _ in findings(found)} == {("parents", "e", 1, 0)}
    assert unproved(found) == {("e", 1): 1, ("d", 2): 1, ("e", 2): 6}


def test_rounds_on_a_circle_are_not_provable(tmp_path: Path) -> None:
    lake = healthy()
    lake.parents(("e", 1), 3, ("d", 2, 3, "seed", 0.5))
    found = proofs(lake, tmp_path)
    assert unproved(found) == {("e", 1): 5, ("d", 2): 8, ("e", 2): 6, ("d", 3): 4}


def unproved(batches: list[Batch]) -> dict[tuple[str, int], int]:
    return {
        (each.dataset, each.round): each.unproved
        for each in batches
        if each.check == "real_roots" and each.unproved
    }
