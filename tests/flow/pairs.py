"""A generator of translation pairs: words of a training row in another order, and a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport, Generator


class Pairs(Generator[NoSettings, NoSettings]):
    """Each row numbers the words of a row of the mix."""

    name = "pairs"
    version = "pairs/1"
    FitSettings = NoSettings
    GenerateSettings = NoSettings
    attribution = "other/1"

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002
        directory.mkdir(parents=True, exist_ok=True)
        samples.select("source", "target", "label").write_ndjson(directory / "rows.jsonl")
        content = {"kind": "pairs/1", "rows": len(samples)}
        (directory / "manifest.json").write_text(json.dumps(content), encoding="utf-8")

    def generate(self, plan: GeneratePlan[NoSettings], shard: Shard) -> Iterator[GenerateBatch]:
        known = pl.read_ndjson(plan.request.directory / "rows.jsonl")
        number = plan.request.round
        chosen = known[[row % len(known) for row in shard.rows]]
        frame = chosen.with_columns(
            pl.format("{} again {}", "source", pl.lit(number)).alias("source"),
            pl.Series("row", list(shard.rows), dtype=pl.Int64),
            pl.Series("stars", [row % 5 for row in shard.rows], dtype=pl.Int8),
            pl.lit(shard.seed).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        yield GenerateBatch(frame.with_columns(sample_ids(frame, plan.request.identity)), None)

    def report(self, plan: GeneratePlan[NoSettings]) -> GenerateReport:  # noqa: ARG002
        return GenerateReport({})
