"""A generator of a project's own that leaves rows out, repeats one and mislabels one."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport
from tests.flow import noisy

DARK = (3, 7)
"""Rows that it leaves out and says why."""
SILENT = 9
"""The row that it leaves out without a word."""
REPEATED = 1
"""The row that has the content of row 0."""
MISLABELLED = 2


class Gappy(noisy.Noisy):
    """As `noisy`, but for some rows."""

    name = "gappy"
    version = "gappy/1"

    def generate(self, plan: GeneratePlan[NoSettings], shard: Shard) -> Iterator[GenerateBatch]:
        for batch in super().generate(plan, shard):
            rows = batch.candidates
            first, row = rows.row(0, named=True), pl.col("row")
            for name in ("image", "label", "sample_id"):
                same = pl.lit(first[name], rows.schema[name])
                rows = rows.with_columns(
                    pl.when(row == REPEATED).then(same).otherwise(name).alias(name)
                )
            wrong = pl.when(row == MISLABELLED).then(1 - pl.col("label")).otherwise("label")
            rows = rows.with_columns(wrong.alias("label"))
            kept = rows.filter(~row.is_in([*DARK, SILENT]))
            there = kept["row"].implode()
            yield GenerateBatch(kept, batch.parents.filter(pl.col("row").is_in(there)))

    def report(self, plan: GeneratePlan[NoSettings]) -> GenerateReport:
        made = super().report(plan)
        return GenerateReport(made.environment, unmade={"too dark": len(DARK)})
