"""A generator that costs nothing, as a plug-in of a project: rows follow from their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from benchmarks.scale.rows import KINDS
from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport, Generator


class PlainSettings(StrictModel):
    """What is made, and the number of the first row, after those of the real data."""

    rows: Literal["texts", "images"]
    first: int


class Plain(Generator[NoSettings, PlainSettings]):
    """Makes rows without parents, and learns nothing."""

    name = "plain"
    version = "plain/1"
    FitSettings = NoSettings
    GenerateSettings = PlainSettings
    attribution = "mix/1"

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002
        """Write that nothing was learnt."""
        directory.mkdir(parents=True, exist_ok=True)
        about = {"kind": "plain/1", "rows": len(samples)}
        (directory / "manifest.json").write_text(json.dumps(about), encoding="utf-8")

    def generate(self, plan: GeneratePlan[PlainSettings], shard: Shard) -> Iterator[GenerateBatch]:
        """Make the rows of a shard."""
        settings = plan.request.settings
        first = settings.first
        made = KINDS[settings.rows](range(first + shard.start, first + shard.stop))
        made = made.select(
            pl.Series("row", shard.rows, dtype=pl.Int64),
            pl.all(),
            pl.lit(shard.seed).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        ids = sample_ids(made, plan.request.identity).alias("sample_id")
        yield GenerateBatch(made.with_columns(ids))

    def report(self, plan: GeneratePlan[PlainSettings]) -> GenerateReport:  # noqa: ARG002  of the protocol
        """Say that nothing else was needed."""
        return GenerateReport({})
