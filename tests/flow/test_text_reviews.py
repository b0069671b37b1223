"""Corrected texts in a published round: what is kept, proved, exported and loaded of them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import stemma
from pipelines.rounds import tables
from tests.flow.test_kept_columns import pairs

pytestmark = pytest.mark.slow  # a project of texts; a round of images is reviewed every day


def test_a_corrected_text_is_published_proved_and_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = pairs(tmp_path / "project")
    monkeypatch.chdir(project.root)
    for name, key in (("lake", ""), ("inputs", "pairs"), ("ingest", "pairs")):
        project.run(name, key)
    project.round("pairs-1")
    text = "Größer – 🙂\nzwei = 2"
    for row, texts in (
        ("0", {"source": text}),
        ("4", {"source": "a=b"}),
        ("4", {"target": "fine now"}),  # which keeps the first correction
    ):
        given = [word for name, new in texts.items() for word in ("--text", f"{name}={new}")]
        said = project.stemma("round", "correct", "pairs-1", row, *given, "--reason", "a\nword")
        assert said.code == 0, said.err
    listed = project.stemma("round", "reviews", "pairs-1").out
    assert "correct source, target" in listed
    assert "a word" in listed  # a reason of two lines is one in a table
    project.run("inputs", "pairs")
    for stage in ("curate", "evaluate", "publish"):
        project.run(stage, "pairs-1")
    made = tables.read_round(project.lake(), "main", "pairs", "samples", 1).sort("row")
    edited = made.filter(pl.col("row") >= 20).select("row", "source", "stars")
    assert edited.rows() == [(20, text, 0), (21, "a=b", 4)]
    assert not {0, 4} & set(made["row"])
    sample = made.filter(pl.col("row") == 20)["sample_id"][0].hex()
    replayed = project.stemma("audit", sample, "--replay")
    assert replayed.code == 2
    assert f"{sample} was made by a reviewer, so no shard holds it" in replayed.err
    proof = project.stemma("audit", "--recompute", "main")
    assert proof.code == 0, proof.said
    assert project.stemma("export", "main", "--format", "jsonl", "--output", "out.jsonl").code == 0
    lines = map(json.loads, Path("out.jsonl").read_text(encoding="utf-8").splitlines())
    exported = {line["source"] for line in lines if line["stemma"]["round"] == 1}
    assert exported == set(made["source"])
    loaded = stemma.load("pairs-v1.1").frame()
    assert {text, "a=b"} <= set(loaded["source"])
    project.stop_lake()
