"""A generator: numbers of the mix, moved a little."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)


class JitterGenerate(StrictModel):
    scale: float = Field(0.5, gt=0)
    recipe: str | None = None


class Jitter(Generator[NoSettings, JitterGenerate]):
    """Draws rows of the mix and adds noise; one row in eight is not made."""

    name = "jitter"
    version = "jitter/1"
    FitSettings = NoSettings
    GenerateSettings = JitterGenerate
    attribution = "parent/1"

    def files(self, settings: JitterGenerate) -> tuple[Path, ...]:
        return () if settings.recipe is None else (Path(settings.recipe),)

    def fit(
        self,
        samples: pl.DataFrame,
        settings: NoSettings,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        directory: Path,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        samples.select("round", "row", "value", "label").write_parquet(directory / "rows.parquet")
        about = {"kind": "jitter/1", "rows": len(samples)}
        (directory / "manifest.json").write_text(json.dumps(about), encoding="utf-8")

    def generate(self, plan: GeneratePlan[JitterGenerate], shard: Shard) -> Iterator[GenerateBatch]:
        pool = pl.read_parquet(plan.request.directory / "rows.parquet")
        draw = np.random.default_rng(shard.seed)
        for row in shard.rows:
            parent = pool.row(int(draw.integers(len(pool))), named=True)
            noise = draw.normal(0.0, plan.request.settings.scale)
            if row % 8 != 3:
                yield self._batch(plan.request, shard, row, parent, noise)

    def _batch(
        self,
        request: GenerateRequest[JitterGenerate],
        shard: Shard,
        row: int,
        parent: Mapping[str, Any],
        noise: float,
    ) -> GenerateBatch:
        frame = pl.DataFrame(
            {
                "row": [row],
                "value": [parent["value"] + noise],
                "label": [parent["label"]],
                "seed": [shard.seed],
                "shard": pl.Series([shard.index], dtype=pl.Int32),
            }
        )
        parents = pl.DataFrame(
            {
                "row": [row],
                "dataset": [request.dataset],
                "round": pl.Series([parent["round"]], dtype=pl.Int32),
                "parent_row": [parent["row"]],
                "relation": ["seed"],
                "weight": [0.75],
            }
        )
        return GenerateBatch(
            frame.with_columns(sample_ids(frame, request.identity).alias("sample_id")), parents
        )

    def report(self, plan: GeneratePlan[JitterGenerate]) -> GenerateReport:
        return GenerateReport({"numpy": np.__version__}, facts={"asked": plan.request.candidates})

    def replay(
        self,
        request: GenerateRequest[JitterGenerate],
        shard: Shard,
        recorded: Mapping[str, Any],  # noqa: ARG002
    ) -> GenerateResult:
        plan = self.plan(request)
        rows = pl.concat(each.candidates for each in self.generate(plan, shard))
        return GenerateResult(rows, None, self.report(plan))
