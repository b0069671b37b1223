"""Texts about images of another data set, the best of two for each image."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.features import images
from pipelines.llm.settings import API_KEY
from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import NO_LIMITS, Project, tiny, tiny_round
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

CANDIDATES = 8
SIDES = ("left", "right", "top", "bottom", "rim")
SUITE = {
    "name": "captions",
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "text"},
            "severity": "critical",
            "meta": {"name": "there"},
        }
    ],
}


def bright_side(file: bytes) -> str:
    pixels = images.decode(pl.Series([{"bytes": file, "path": None}], dtype=images.IMAGE))[0]
    return "left" if pixels[:, :4].mean() > pixels[:, 4:].mean() else "right"


def reply(body: Mapping[str, Any]) -> object:
    """Say which half of the picture is bright, at length for every other seed."""
    _, part = body["messages"][-1]["content"]
    file = base64.b64decode(part["image_url"]["url"].partition(",")[2])
    longer = ", as anybody can see" if body["seed"] % 2 else ""
    return {"text": f"Brighter on the {bright_side(file)}{longer}, number {body['seed']}."}


def captions(target: Path, address: str) -> Project:
    """A project of images and of captions, whose round 1 is about these images."""
    project = tiny(target, rounds=1)
    rows = [
        f"A {size} {shape}, {light} on the {side}, shot {number}."
        for number, (size, shape, light, side) in enumerate(
            product(("small", "large"), ("square", "disc"), ("bright", "dim"), SIDES)
        )
    ]
    pl.DataFrame({"text": rows}).write_csv(target / "captions.csv")
    (target / "expectations" / "suites" / "captions.json").write_text(json.dumps(SUITE))
    text = {
        "service": {"model": "seer", "base_url": address},
        "shots": 1,
        "pictures": {"dataset": "tiny", "round": 0},
        "best_of": {"answers": 2, "score": "text_chars"},
    }

    def change(content: dict[str, Any]) -> None:
        content["datasets"]["captions"] = {
            "identity": ["text"],
            "ingest": {"source": "captions.csv", "modality": "text", "near": 0.0},
            "generate": {"candidates": CANDIDATES, "text": text},
            "verify": {"scorers": {"text_shape": {}}},
            "evaluate": {"null_draws": 2, "bootstrap": 20},
            "publish": {"guard": NO_LIMITS},
        }
        entry = tiny_round(1) | {"dataset": "captions", "generator": "text"}
        content["rounds"]["captions-1"] = entry

    project.edit(change)
    return project


@pytest.mark.slow
def test_captions_name_their_image_at_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        project = captions(tmp_path / "project", proxy.url)
        monkeypatch.chdir(project.root)
        monkeypatch.setenv(API_KEY, "planted-key")
        project.run("lake", "")
        project.run("ingest", "tiny")
        project.run("ingest", "captions")
        tried = project.stemma("try", "captions", "-n", "2")
        assert tried.code == 0, tried.said
        assert tried.out.count("Brighter on the") == 2
        assert tried.out.count("1 more request, for candidates that are no better") == 2
        project.round("captions-1")
        assert len(proxy.seen) == 2 * CANDIDATES
    lake = project.lake()
    pinned = receipts.read("tiny", 0, "publish").commit
    squares = tables.read_round(lake, pinned, "tiny", "samples", 0)
    made = tables.read_round(lake, "main", "captions", "samples", 1)
    lineage = tables.read_round(lake, "main", "captions", "lineage", 1)
    parents = lineage.explode("parents").unnest("parents", separator="_")
    of_images = parents.filter(pl.col("parents_dataset") == "tiny")
    assert len(of_images) == CANDIDATES
    assert parents["parents_weight"].to_list() == [0.25] * 2 * CANDIDATES
    seen = of_images.join(squares, left_on="parents_row", right_on="row", suffix="_seen")
    seen = seen.join(made, on="row")
    assert len(seen) == len(made)
    for row in seen.iter_rows(named=True):
        assert f"Brighter on the {bright_side(row['image']['bytes'])}" in row["text"]
    assert made["text"].str.contains("as anybody can see").sum() > len(made) // 2
    asked = tables.read_round(lake, "main", "captions", "exchanges", 1)
    assert asked["chosen"].value_counts(sort=False)["count"].to_list() == [CANDIDATES] * 2
    assert asked.filter(~pl.col("chosen"))["row"].null_count() == CANDIDATES
    assert asked["prompt"].str.contains("sha256:").all()
    assert asked["prompt"].str.len_bytes().max() < 2000
    about = manifest.read(lake, "main", "captions", 1)
    assert about["generation"]["parents"] == {"tiny": pinned}
    assert about["generation"]["pictures"]["of"] == len(squares)
    done = project.stemma("audit", "--recompute", "main", "--json")
    assert (done.code, json.loads(done.out)["findings"]) == (0, []), done.said
    shown = project.stemma("audit", made["sample_id"][0].hex())
    assert "seed 0.250" in shown.out, shown.said
    assert "tiny, round 0, row" in shown.out
    project.stop_lake()


def test_a_score_that_no_scorer_gives_is_named_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = captions(tmp_path / "project", "http://127.0.0.1:1/v1")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv(API_KEY, "planted-key")
    project.run("lake", "")
    project.run("ingest", "captions")

    def change(content: dict[str, Any]) -> None:
        text = content["datasets"]["captions"]["generate"]["text"]
        text["best_of"]["score"] = "text_char"

    project.edit(change)
    done = project.stemma("stage", "fit", "captions-1")
    assert done.code != 0
    assert "gives the column 'text_char'; did you mean 'text_chars'" in done.said
    project.stop_lake()
