"""A round of each generator that trains a network besides `diffusion`: published and proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import pytest

from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import Project, tiny, tiny_round

GAN: Final = {"latent": 8, "channels": 8, "widest": 16, "steps": 60, "reference_rows": 100}

pytestmark = pytest.mark.slow


def settings(content: dict[str, Any]) -> None:
    content["datasets"]["tiny"]["fit"] |= {"gan": GAN}
    content["rounds"]["tiny-1"] = tiny_round(1) | {"generator": "gan"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = tiny(tmp_path_factory.mktemp("trained") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.edit(settings)
        project.all(1)
        yield project
    project.drop_lake()


def test_a_round_of_a_gan_is_published_and_its_lineage_proved(made: Project) -> None:
    assert receipts.read("tiny", 1, "publish").tag == "tiny-v1"
    assert manifest.read(made.lake(), "main", "tiny", 1)["generator"]["kind"] == "gan/1"
    lineage = tables.read_round(made.lake(), "main", "tiny", "lineage", 1)
    assert lineage["attribution"].unique().to_list() == ["mix/1"]
    assert lineage["trained_on"].null_count() == 0
    assert lineage["real_roots"].unique().to_list() == [1.0]
    done = made.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    proof = json.loads(done.out)
    assert (proof["clean"], proof["not_provable"]) == (True, 0)


def test_a_shard_of_a_gan_is_replayed(made: Project) -> None:
    lineage = tables.read_round(made.lake(), "main", "tiny", "lineage", 1)
    sample = lineage.filter(pl.col("shard") == 1).row(0, named=True)
    done = made.stemma("audit", sample["sample_id"].hex(), "--replay")
    assert done.code == 0, done.said
    assert "identical: ids and payload bytes of all 10 rows" in done.out
