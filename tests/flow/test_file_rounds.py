"""Texts without labels that were made elsewhere: published at the default limits, and traced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipelines.common import digests
from pipelines.generators import model_folder
from pipelines.rounds import manifest, tables
from pipelines.sources import dialogue
from tests.flow.projects import Project
from tests.flow.talk import ROWS, TOPICS, talk

MORE = 40
"""Candidates of each topic."""


def vendor_rows(project: Project) -> pl.DataFrame:
    """Pairs that the real data does not hold; every other one names a real row as its parent."""
    real = tables.read_round(project.lake(), "main", "talk", "lineage", 0)["row"].sort()
    rows = dialogue.load()
    parts = [rows.filter(rows["label"] == topic).slice(ROWS, MORE) for topic in TOPICS]
    frame = pl.concat(parts).drop("label").with_row_index("number")
    names = [f"0/{real[row // 2]}" if row % 2 == 0 else None for row in frame["number"]]
    return frame.with_columns(pl.Series("made_from", names)).drop("number")


def settings(content: dict[str, Any]) -> None:
    """One round from a file, judged by the default limits."""
    file = {"path": "vendor.jsonl", "parents": "made_from", "generator": "Acme Writer 3"}
    data = content["datasets"]["talk"]
    data["generate"] = {"file": file}
    data["publish"] = {}
    data["evaluate"] = {}
    content["rounds"] = {"talk-1": {**content["rounds"]["talk-1"], "generator": "file"}}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = talk(tmp_path_factory.mktemp("file") / "project", labelled=False)
    project.edit(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.run("lake", "")
        project.run("ingest", "talk")
        vendor_rows(project).write_ndjson(project.root / "vendor.jsonl")
        project.round("talk-1")
        yield project
    project.drop_lake()


@pytest.mark.slow
def test_unlabelled_texts_of_a_file_are_published_at_the_default_limits(
    published: Project,
) -> None:
    about = manifest.read(published.lake(), "main", "talk", 1)
    assert about["guard"]["blocking"] == []
    metrics = about["metrics"]
    assert metrics["task"] == "inverse_perplexity"
    assert 0 < metrics["inverse_perplexity"]["mix"]["value"] < 1
    assert set(metrics["not_applicable"]) == {
        *("accuracy", "macro_f1", "recall_per_class", "label_errors"),
        *("class_share", "class_coverage", "class_variance", "second"),
    }
    judged = {check["name"]: check for check in about["guard"]["checks"]}
    assert judged["downstream_real"]["value"] == pytest.approx(
        -metrics["difference"]["real_only"]["value"]
    )
    assert judged["downstream_real"]["evidence"].startswith("inverse-perplexity 0.")
    file = about["generation"]["file"]
    assert (file["rows"], file["generator"]) == (2 * MORE, "Acme Writer 3")
    samples = tables.read_round(published.lake(), "main", "talk", "samples", 1)
    assert samples.columns == ["round", "row", "sample_id", "prompt", "completion"]
    assert published.stemma("guard", "main", "--json").code == 0


def test_named_parents_and_the_opaque_maker_are_in_the_lineage(published: Project) -> None:
    lake = published.lake()
    lineage = tables.read_round(lake, "main", "talk", "lineage", 1)
    vendor = vendor_rows(published)
    named = lineage.sort("row").select(
        pl.col("parents").list.first().struct.field("row").alias("parent")
    )
    assert len(lineage) == len(vendor)
    expected = vendor["made_from"].str.strip_prefix("0/").cast(pl.Int64)
    assert named["parent"].to_list() == expected.to_list()
    with_parent = lineage.filter(pl.col("parents").list.len() > 0)
    assert with_parent["real_roots"].unique().to_list() == pytest.approx([0.5])
    about = manifest.read(lake, "main", "talk", 1)["generator"]
    assert about["maker"] == digests.of_file(published.root / "vendor.jsonl")
    _, folder = model_folder.read_manifest(published.root / "models" / "talk" / "1")
    assert about["digest"] == model_folder.identity(folder, about["maker"]) != folder
    assert lineage["generator"].unique().to_list() == [about["digest"]]
    sample = lineage.sort("row")["sample_id"][0].hex()
    told = published.stemma("audit", sample[:12])
    assert "Acme Writer 3" in told.out
    assert "named-parents/1" in told.out


def test_a_round_of_a_file_is_not_replayed_and_says_why(published: Project) -> None:
    lineage = tables.read_round(published.lake(), "main", "talk", "lineage", 1)
    told = published.stemma("audit", lineage["sample_id"][0].hex()[:12], "--replay")
    assert told.code == 4
    assert "read from a file, whose digest is recorded" in told.err


def test_a_changed_file_makes_the_round_again(published: Project) -> None:
    place = published.root / "vendor.jsonl"
    rows = place.read_text(encoding="utf-8").splitlines()
    before = manifest.read(published.lake(), "main", "talk", 1)["generation"]["file"]["sha256"]
    changed = json.loads(rows[0]) | {"prompt": "Is this another prompt?"}
    place.write_text("\n".join([json.dumps(changed), *rows[1:]]) + "\n", encoding="utf-8")
    try:
        published.run("generate", "talk-1", supersede=True)
        lake = published.lake()
        head = manifest.read(lake, "talk-r001", "talk", 1)["generation"]["file"]["sha256"]
        assert head != before
    finally:
        place.write_text("\n".join(rows) + "\n", encoding="utf-8")
