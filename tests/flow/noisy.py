"""A generator of a project's own, which starts in no time: images of the mix with noise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport, Generator

NOISE = 0.05


class Noisy(Generator[NoSettings, NoSettings]):
    """Candidate n is an image of the mix, its pixels moved; the image is its parent."""

    name = "noisy"
    version = "noisy/1"
    FitSettings = GenerateSettings = NoSettings
    attribution = "parent/1"

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002
        directory.mkdir(parents=True, exist_ok=True)
        samples.select("round", "row", "image", "label").write_parquet(directory / "mix.parquet")
        about = {"kind": "noisy/1", "rows": len(samples)}
        (directory / "manifest.json").write_text(json.dumps(about), encoding="utf-8")

    def generate(self, plan: GeneratePlan[NoSettings], shard: Shard) -> Iterator[GenerateBatch]:
        mix = pl.read_parquet(plan.request.directory / "mix.parquet")
        draw = np.random.default_rng(shard.seed)
        taken = mix[draw.integers(len(mix), size=len(shard.rows)).tolist()]
        values = images.to_unit(images.decode(taken["image"]))
        moved = (values + draw.normal(0, NOISE, values.shape)).astype(np.float32)
        rows = pl.Series("row", shard.rows, dtype=pl.Int64)
        made = pl.DataFrame([rows, images.encode_lenient(moved).alias("image"), taken["label"]])
        made = made.with_columns(
            pl.lit(shard.seed).alias("seed"), pl.lit(shard.index, pl.Int32).alias("shard")
        )
        parents = taken.select(
            rows,
            pl.lit(plan.request.dataset).alias("dataset"),
            "round",
            pl.col("row").alias("parent_row"),
            pl.lit("seed").alias("relation"),
            pl.lit(0.75).alias("weight"),
        )
        ids = sample_ids(made, plan.request.identity).alias("sample_id")
        yield GenerateBatch(made.with_columns(ids), parents)

    def report(self, plan: GeneratePlan[NoSettings]) -> GenerateReport:  # noqa: ARG002
        return GenerateReport({"numpy": np.__version__})
