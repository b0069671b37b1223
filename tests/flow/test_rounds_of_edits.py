"""Rounds whose candidates are made of rows of the mix: published, proved and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import Project, tiny, tiny_round

GENERATORS = ("augment", "interpolation")
MIXED = {"image": {"mixup": 0.3, "cutmix": 0.3, "brightness": 0.1}}


def settings(content: dict[str, Any]) -> None:
    content["datasets"]["tiny"]["generate"]["augment"] = MIXED
    for number, generator in enumerate(GENERATORS, 1):
        content["rounds"][f"tiny-{number}"] = tiny_round(number) | {"generator": generator}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A round of each generator, published."""
    project = tiny(tmp_path_factory.mktemp("edits") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.edit(settings)
        project.all(len(GENERATORS))
        yield project
    project.drop_lake()


def test_parents_are_rows_of_the_lake_and_the_lineage_is_proved(made: Project) -> None:
    lake = made.lake()
    edges = 0
    for number, generator in enumerate(GENERATORS, 1):
        assert receipts.read("tiny", number, "publish").tag == f"tiny-v{number}"
        lineage = tables.read_round(lake, "main", "tiny", "lineage", number)
        parents = lineage.select("kind", pl.col("parents")).explode("parents").unnest("parents")
        assert lineage["real_roots"].unique().to_list() == [1.0]
        assert (lineage["parents"].list.eval(pl.element().struct["weight"]).list.sum() == 1).all()
        relations = {("edited", "edited"), ("synthetic", "seed")}
        wanted = relations if generator == "augment" else {("edited", "edited")}
        assert set(parents.select(pl.col("kind", "relation").cast(pl.String)).iter_rows()) == wanted
        edges += len(parents)
    done = made.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    proof = json.loads(done.out)
    assert (proof["clean"], proof["not_provable"], proof["edges"]) == (True, 0, edges)
    methods = manifest.read(lake, "main", "tiny", 1)["generation"]["methods"]
    assert set(methods) == {"edit", "mixup", "cutmix"}


@pytest.mark.parametrize("number", range(1, len(GENERATORS) + 1))
def test_a_shard_is_replayed_and_parents_are_shown(made: Project, number: int) -> None:
    lineage = tables.read_round(made.lake(), "main", "tiny", "lineage", number)
    sample = lineage.filter(pl.col("shard") == 1).row(0, named=True)
    done = made.stemma("audit", sample["sample_id"].hex(), "--replay")
    assert done.code == 0, done.said
    assert "identical: ids and payload bytes of all 10 rows" in done.out
    shown = made.stemma("audit", sample["sample_id"].hex())
    assert lineage["attribution"][0] in shown.out
    for parent in sample["parents"]:
        assert f"tiny, round {parent['round']}, row {parent['row']}" in shown.out
