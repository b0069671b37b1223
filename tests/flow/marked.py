"""A generator of a project's own that leaves marks, and waits or fails where a file says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.generators.protocol import GenerateBatch, GeneratePlan
from tests.flow import noisy


class Marked(noisy.Noisy):
    """As `noisy`, and the files `began` and `made` have a line for each shard."""

    name = "marked"
    version = "marked/1"

    def generate(self, plan: GeneratePlan[NoSettings], shard: Shard) -> Iterator[GenerateBatch]:
        with Path("began").open("a", encoding="utf-8") as file:
            file.write(f"{shard.index}\n")
        while Path(f"wait-{shard.index}").exists():
            threading.Event().wait(0.02)
        if Path(f"fail-{shard.index}").exists():
            raise RuntimeError("no luck")
        with Path("made").open("a", encoding="utf-8") as file:
            file.write(f"{shard.index}\n")
        for batch in super().generate(plan, shard):
            rows = batch.candidates
            if Path("gaps").exists():
                rows = rows.filter(pl.col("row") % 4 != 0)
            yield replace(batch, candidates=rows)
