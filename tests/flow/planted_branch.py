"""A round's branch with candidates of any kind, planted without a model."""

from __future__ import annotations

import hashlib

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import record
from pipelines.rounds import manifest
from tests.flow.projects import Project


def known(project: Project, dataset: str, identity: str, modality: str) -> None:
    """Add a data set to params.yaml."""
    about = {
        "identity": [identity],
        "ingest": {"source": "tiny.py", "modality": modality},
    }
    project.edit(lambda found: found["datasets"].update({dataset: about}))


def plant(lake: Lake, dataset: str, payload: pl.DataFrame, rejected: pl.Expr) -> str:
    """Commit candidates and what follows from them on `<dataset>-r001`; the branch.

    Args:
        lake: the lake.
        dataset: the data set.
        payload: a row per candidate.
        rejected: over row and payload: whether the expectation `looks_right` failed.
    """
    branch = refs.branch_name(dataset, 1)
    lake.set_branch(branch, lake.resolve(refs.MAIN).id)
    key = pl.DataFrame(
        {
            "round": pl.repeat(1, len(payload), dtype=pl.Int32, eager=True),
            "row": pl.int_range(len(payload), eager=True),
            "sample_id": [hashlib.sha256(b"%d" % at).digest() for at in range(len(payload))],
        }
    )
    rows = pl.concat([key, payload], how="horizontal").with_columns(rejected.alias("bad"))
    seeds = key.select("row", "sample_id", pl.lit(1).alias("seed"), pl.lit(0).alias("shard"))
    lineage = record.derive(
        seeds,
        round_number=1,
        dataset=dataset,
        generator="0123456789ab",
        attribution="by hand/1",
        mix=None,
    )
    bad = pl.col("bad")
    decisions = rows.select(
        *key.columns,
        pl.when(bad).then(pl.lit("rejected")).otherwise(pl.lit("accepted")).alias("decision"),
        pl.when(bad).then(pl.lit(["looks_right"])).otherwise(pl.lit([])).alias("reasons"),
        pl.lit([], pl.List(pl.String)).alias("warnings"),
        pl.lit(None, pl.Struct({"dataset": pl.String, "round": pl.Int32, "row": pl.Int64})).alias(
            "duplicate_of"
        ),
    )
    verdicts = rows.select(
        "round",
        "row",
        pl.lit("looks_right").alias("expectation"),
        pl.lit("critical").alias("severity"),
        pl.when(bad).then(pl.lit("failed")).otherwise(pl.lit("passed")).alias("verdict"),
        pl.lit(None, pl.Float64).alias("observed"),
        pl.lit(None, pl.String).alias("detail"),
    )
    parts = {
        "candidates": rows.drop("bad"),
        "lineage": lineage,
        "decisions": decisions,
        "verdicts": verdicts,
        "samples": rows.filter(~bad).drop("bad"),
    }
    for name, frame in parts.items():
        lake.write(branch, refs.part(dataset, name, 1), frame)
    manifest.write(lake, branch, dataset, 1, {"round": 1, "dataset": dataset})
    about = {"dataset": dataset, "round": "1", "line": "main", "stage": "generate"}
    lake.commit(branch, "Planted", {f"stemma.{name}": value for name, value in about.items()})
    return branch
