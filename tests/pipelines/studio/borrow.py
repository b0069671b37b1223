"""A generator of rows whose parents are in another data set, and of rows that are opaque."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport, Generator


class BorrowSettings(StrictModel):
    dataset: str
    commit: str | None = None
    opaque: tuple[float, ...] = (0.0, 1.0)


class Borrow(Generator[NoSettings, BorrowSettings]):
    """Each row names row 0 of a data set; opaque shares take turns."""

    name = "borrow"
    version = "borrow/1"
    FitSettings = NoSettings
    GenerateSettings = BorrowSettings
    attribution = "other/1"

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory) -> None:  # noqa: ANN001, ARG002
        directory.mkdir(parents=True, exist_ok=True)
        text = f'{{"kind": "borrow/1", "rows": {len(samples)}}}'
        (directory / "manifest.json").write_text(text, encoding="utf-8")

    def generate(self, plan: GeneratePlan[BorrowSettings], shard: Shard) -> Iterator[GenerateBatch]:
        own, rows = plan.request.settings, pl.Series("row", shard.rows, dtype=pl.Int64)
        shares = [own.opaque[row % len(own.opaque)] for row in shard.rows]
        frame = pl.DataFrame({"row": rows, "opaque_share": shares}).with_columns(
            (pl.col("row") * 0.01 + 10 * (pl.col("row") % 2)).alias("value"),
            (pl.col("row") % 2).alias("label"),
            pl.lit(shard.seed).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        parents = frame.select(
            "row",
            pl.lit(own.dataset).alias("dataset"),
            pl.lit(0, pl.Int32).alias("round"),
            pl.lit(0, pl.Int64).alias("parent_row"),
            pl.lit("seed").alias("relation"),
            pl.lit(0.5).alias("weight"),
            pl.lit(own.commit, pl.String).alias("commit"),
        )
        ids = sample_ids(frame, plan.request.identity).alias("sample_id")
        yield GenerateBatch(frame.with_columns(ids), parents)

    def report(self, plan: GeneratePlan[BorrowSettings]) -> GenerateReport:  # noqa: ARG002
        return GenerateReport({})
