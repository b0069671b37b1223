"""Columns of the user's, whatever they are called, travel with the samples through all stages."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines.rounds import holdout, tables
from pipelines.sources import dialogue
from tests.flow.projects import HERE, NO_LIMITS, STAGES, Project, checkout

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

KEPT = ("mail_id", "truth", "origin", "licence", "stars", "kind")


def pairs(target: Path) -> Project:
    """Translation pairs whose columns are called as columns of lineage are."""
    project = checkout(target)
    shutil.copy2(HERE / "pairs.py", target / "pairs.py")
    rows = dialogue.load().filter(pl.col("label").is_in(["emotion", "trivia"]))
    rows = rows.group_by("label", maintain_order=True).head(60).with_row_index("n")
    rows.select(
        pl.col("prompt").alias("source"),
        pl.col("completion").alias("target"),
        pl.col("label").alias("topic"),
        pl.lit("unused").alias("label"),
        pl.format("mail-{}", "n").alias("mail_id"),
        pl.when(pl.col("n") % 2 == 0).then(pl.col("n")).alias("truth"),
        pl.lit("theirs").alias("origin"),
        pl.lit("theirs too").alias("licence"),
        (pl.col("n") % 5).cast(pl.Int64).alias("stars"),
        pl.lit("a mail").alias("kind"),
        *(pl.lit("x").alias(name) for name in ("row", "sample_id", "split", "round", "weight")),
    ).write_parquet(target / "pairs.parquet")
    suite = {
        "name": "pairs",
        "expectations": [
            {
                "type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "stars"},
                "severity": "critical",
                "meta": {"name": "starred"},
            },
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "stars", "min_value": 0, "max_value": 3},
                "severity": "critical",
                "meta": {"name": "few_stars"},
            },
        ],
    }
    suites = target / "expectations" / "suites"
    (suites / "pairs.json").write_text(json.dumps(suite), encoding="utf-8")
    content = {
        "line": "main",
        "seed": 1,
        "datasets": {
            "pairs": {
                "identity": ["source", "target"],
                "ingest": {
                    "source": "pairs.parquet",
                    "modality": "text",
                    "label": "topic",
                    "id": "mail_id",
                    "keep": list(KEPT[1:]),
                },
                "generate": {"candidates": 20, "shard_rows": 10},
                "verify": {"scorers": {"text_shape": {}}},
                "evaluate": {"null_draws": 2, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {
            f"pairs-{number}": {
                "dataset": "pairs",
                "round": number,
                "previous": number - 1,
                "generator": "pairs.py",
                **{name: {} for name in STAGES},
            }
            for number in (1, 2)
        },
    }
    (target / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return project


def test_kept_columns_reach_every_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = pairs(tmp_path / "project")
    monkeypatch.chdir(project.root)
    for name, key in (("lake", ""), ("inputs", "pairs"), ("ingest", "pairs")):
        project.run(name, key)
    project.round("pairs-1")
    project.round("pairs-2", "fit")
    lake = project.lake()
    given = pl.read_parquet("pairs.parquet").with_row_index("at")
    assert tables.rounds(lake, "main", "pairs") == [0, 1]
    real = tables.real_samples(lake, "main", "pairs")
    payload = ["source", "target", "label", *KEPT]
    assert real.columns == ["round", "row", "sample_id", *payload]
    as_given = given.filter(pl.col("at").is_in(real["row"].implode())).drop("label")
    renamed = as_given.rename({"topic": "label"}).select(payload)
    assert real.select(payload).equals(renamed)
    made = tables.read_round(lake, "main", "pairs", "samples", 1)
    assert made.columns == real.columns
    assert made.schema == real.schema
    assert made["mail_id"].null_count() == made["truth"].null_count() == len(made) > 0
    assert made["stars"].max() == 3
    decided = tables.read_round(lake, "main", "pairs", "decisions", 1)
    assert decided.filter(pl.col("reasons").list.contains("few_stars"))["row"].to_list() == [
        4,
        9,
        14,
        19,
    ]
    lineage = tables.read_round(lake, "main", "pairs", "lineage", 0)
    first = lineage.join(real.select("row", "mail_id"), on="row").row(0, named=True)
    assert first["source"] == f"pairs.parquet/{first['mail_id']}"
    held = project.lake(holdout=True)
    stored = {
        name: held.scan("main", f"pairs/{name}/").collect_schema().names()
        for name in ("validation", holdout.FINGERPRINTS)
    }
    assert stored["validation"] == ["row", "sample_id", *payload]
    assert stored["fingerprints"] == ["split", "row", "sample_id", "source", "target"]
    for words in (
        ("audit", real["sample_id"][0].hex()),
        ("audit", "--recompute", "main"),
        ("diff", "main~1", "main", "--dataset", "pairs", "--rows"),
        ("verdicts", "pairs-r001"),
    ):
        done = project.stemma(*words)
        assert done.code == 0, done.said
    exported = project.stemma("lineage", "export", "main", "--format", "croissant").out
    assert set(KEPT) <= {*re.findall(r"\w+", exported)}
    project.stop_lake()
