"""Rounds made of rows of the mix, or by a function: published, proved and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import pytest

from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import Project, tiny, tiny_round

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

GENERATORS: Final = ("augment", "interpolation", "simulate")
MIXED: Final = {"image": {"mixup": 0.3, "cutmix": 0.3, "brightness": 0.1}}
STRIPES: Final = """
import numpy as np

SOURCE = "stripes 1"
LICENCE = "MIT"


def simulate(seed: int, contrast: int) -> dict[str, object]:
    draw, label = np.random.default_rng(seed), seed % 2
    pixels = draw.integers(20, 60, (8, 8))
    pixels[:, 4 * label : 4 * label + 4] += contrast
    return {"image": pixels.astype(np.uint8), "label": label}
"""


def settings(content: dict[str, Any]) -> None:
    content["datasets"]["tiny"]["generate"] |= {
        "augment": MIXED,
        "simulate": {"function": "stripes.py", "settings": {"contrast": 120}},
    }
    for number, generator in enumerate(GENERATORS, 1):
        content["rounds"][f"tiny-{number}"] = tiny_round(number) | {"generator": generator}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A round of each generator, published."""
    project = tiny(tmp_path_factory.mktemp("baselines") / "project")
    (project.root / "stripes.py").write_text(STRIPES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.edit(settings)
        project.all(len(GENERATORS))
        yield project
    project.drop_lake()


def lineage_of(made: Project, number: int) -> pl.DataFrame:
    return tables.read_round(made.lake(), "main", "tiny", "lineage", number)


def test_parents_are_rows_of_the_lake_and_the_lineage_is_proved(made: Project) -> None:
    found, edges = {}, 0
    for number, generator in enumerate(GENERATORS, 1):
        assert receipts.read("tiny", number, "publish").tag == f"tiny-v{number}"
        lineage = lineage_of(made, number)
        parents = lineage.select("kind", pl.col("parents")).explode("parents").unnest("parents")
        linked = parents.drop_nulls("row")
        weights = lineage["parents"].list.eval(pl.element().struct["weight"]).list.sum()
        related = linked.select(pl.col("kind", "relation").cast(pl.String))
        found[generator] = (
            set(related.iter_rows()),
            weights.unique().to_list(),
            lineage["real_roots"].unique().to_list(),
            lineage.select("source", "licence").unique().rows(),
        )
        edges += len(linked)
    edited, seed = ("edited", "edited"), ("synthetic", "seed")
    assert found == {
        "augment": ({edited, seed}, [1.0], [1.0], [(None, None)]),
        "interpolation": ({edited}, [1.0], [1.0], [(None, None)]),
        "simulate": (set(), [0.0], [0.0], [("stripes 1", "MIT")]),
    }
    done = made.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    proof = json.loads(done.out)
    assert (proof["clean"], proof["not_provable"], proof["edges"]) == (True, 0, edges)
    about = manifest.read(made.lake(), "main", "tiny", 1)
    assert set(about["generation"]["methods"]) == {"edit", "mixup", "cutmix"}


@pytest.mark.parametrize("number", range(1, len(GENERATORS) + 1))
def test_a_shard_is_replayed_and_origins_are_shown(made: Project, number: int) -> None:
    lineage = lineage_of(made, number)
    sample = lineage.filter(pl.col("shard") == 1).row(0, named=True)
    done = made.stemma("audit", sample["sample_id"].hex(), "--replay")
    assert done.code == 0, done.said
    assert "identical: ids and payload bytes of all 10 rows" in done.out
    assert ("a seed for each row" in done.out) == (number == 3)
    shown = made.stemma("audit", sample["sample_id"].hex()).out
    assert f"rule {lineage['attribution'][0]}" in shown
    for parent in sample["parents"]:
        assert f"tiny, round {parent['round']}, row {parent['row']}" in shown
    of_code = "code and a seed, learnt from no data; source stripes 1, licence MIT"
    assert (of_code in shown) == (number == 3)
    assert ("opaque" in shown) is False


def test_the_guard_says_what_no_data_made(made: Project) -> None:
    (check,) = [
        each
        for each in manifest.read(made.lake(), "main", "tiny", 3)["guard"]["checks"]
        if each["name"] == "opaque_roots"
    ]
    accepted = len(tables.read_round(made.lake(), "main", "tiny", "samples", 3))
    said = f"{accepted} accepted rows, {accepted} of them made by code of no data"
    assert (check["value"], check["evidence"]) == (1.0, said)


def test_an_export_calls_a_simulator_by_its_name(made: Project) -> None:
    done = made.stemma("lineage", "export", "--format", "prov", "--output", "prov.json")
    assert done.code == 0, done.said
    entities = json.loads((made.root / "prov.json").read_text())["entity"].values()
    labels = [each["prov:label"] for each in entities if "Simulator" in str(each)]
    assert labels == ["stripes 1, code that learnt from no data"]
