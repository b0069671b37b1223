"""Captions first: accepted texts of one data set are the prompts of images of another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from pipelines.rounds import manifest, receipts, tables
from tests import tiny_pipelines
from tests.flow.projects import NO_LIMITS, Project, tiny, tiny_round

CAPTIONS: Final = [f"{size} {shape} {number}" for size in ("a small", "a large") for shape in
                   ("round bee", "blue sea") for number in range(6)]  # fmt: skip
CARD: Final = "---\nlicense: openrail\n---\n"
SUITE: Final = {
    "name": "captions",
    "expectations": [
        {
            "type": "expect_column_value_lengths_to_be_between",
            "kwargs": {"column": "text", "min_value": 3},
            "severity": "critical",
            "meta": {"name": "long_enough"},
        },
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "text"},
            "severity": "critical",
            "meta": {"name": "there"},
        },
    ],
}

pytestmark = pytest.mark.slow


def settings(content: dict[str, Any]) -> None:
    content["datasets"]["captions"] = {
        "identity": ["text"],
        "ingest": {"source": "captions.csv", "modality": "text", "near": 0.0, "licence": "CC0-1.0"},
        "fit": {},
        "generate": {"candidates": 8, "augment": {"text": {"word_dropout": 0.3}}},
        "verify": {"scorers": {}},
        "curate": {},
        "evaluate": {"null_draws": 4, "bootstrap": 20},
        "publish": {"guard": NO_LIMITS},
    }
    content["rounds"]["captions-1"] = {
        **tiny_round(1),
        "dataset": "captions",
        "generator": "augment",
    }
    tiny_ = content["datasets"]["tiny"]
    tiny_["fit"]["pretrained"] = {"model": "painter"}
    template = "{text}, of {label}"
    tiny_["generate"] |= {
        "candidates": 6,
        "shard_rows": 4,
        "pretrained": {
            "steps": 2,
            "prompts": {"dataset": "captions", "round": 1, "template": template},
        },
    }
    content["rounds"]["tiny-1"] = tiny_round(1) | {"generator": "pretrained"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = tiny(tmp_path_factory.mktemp("captions") / "project", rounds=1)
    tiny_pipelines.text_to_image(project.root / "painter", CARD)
    labels = pl.Series("label", [row % 2 for row in range(len(CAPTIONS))])
    pl.DataFrame({"text": CAPTIONS}).with_columns(labels).write_csv(project.root / "captions.csv")
    suite = Path("expectations/suites/captions.json")
    (project.root / suite).write_text(json.dumps(SUITE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.edit(settings)
        yield project
    project.drop_lake()


def test_images_of_captions_name_them(made: Project) -> None:
    made.run("lake", "")
    made.run("inputs", "tiny")
    key = receipts.inputs_path("tiny", 1, "generate")
    assert json.loads(key.read_text())["files"] == {"samples of captions-1": "not published"}
    made.run("ingest", "captions")
    made.round("captions-1")
    made.run("inputs", "tiny")
    published = receipts.read("captions", 1, "publish")
    assert json.loads(key.read_text())["files"] == {"samples of captions-1": published.data.key}
    made.run("ingest", "tiny")
    made.round("tiny-1")
    lineage = tables.read_round(made.lake(), "main", "tiny", "lineage", 1)
    parents = lineage.explode("parents").unnest("parents", separator="_")
    assert parents["parents_dataset"].unique().to_list() == ["captions"]
    assert parents["parents_relation"].cast(pl.String).unique().to_list() == ["seed"]
    about = manifest.read(made.lake(), "main", "tiny", 1)
    assert about["generation"]["parents"] == {"captions": published.commit}
    sample = lineage.row(0, named=True)
    shown = made.stemma("audit", sample["sample_id"].hex()).out
    parent = sample["parents"][0]
    captions = tables.read_round(made.lake(), "main", "captions", "samples", 1)
    text = captions.filter(pl.col("row") == parent["row"])["text"][0]
    assert f"captions, round 1, row {parent['row']}" in shown
    assert text in shown
    assert "model painter" in shown
    assert "licence openrail" in shown
    _check_models(made, len(lineage))
    assert "opaque" in shown
    done = made.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    assert json.loads(done.out)["clean"]
    again = made.stemma("audit", sample["sample_id"].hex(), "--replay")
    assert again.code == 0, again.said
    assert "identical: ids and payload bytes of all" in again.out


def _check_models(made: Project, rows: int) -> None:
    """The descendants of a pipeline, and the exports, know it by its name and its weights."""
    weights = manifest.read(made.lake(), "main", "tiny", 1)["environment"]["weights"]
    for name in ("painter", weights):
        found = made.stemma("descendants", "--model", name, "--json")
        assert json.loads(found.out)["occurrences"] == rows, found.said
    content = json.loads(made.stemma("lineage", "export", "main", "--format", "prov").out)
    agent = content["agent"][f"agent:painter/{weights}"]
    assert (agent["stemma:weights"], agent["stemma:licence"]) == (weights, "openrail")
