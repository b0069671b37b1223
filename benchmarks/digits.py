"""The real digits of the shipped settings, split by any key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import params
from pipelines.features import image_classifier, image_style, images
from pipelines.metrics import Configured, Labelled
from pipelines.metrics.protocol import RoundMetric, Task
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities.images import Images
from pipelines.rounds import real_data

DATASET: Final = "digits"
ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class World:
    """Real digits, split by a key of their own."""

    seed: int

    @cached_property
    def settings(self) -> params.Dataset:
        """The shipped settings of the digits, but for the key of the split."""
        shipped = params.load(ROOT / params.FILE).datasets[DATASET]
        own = {"source": shipped.ingest.source, "split_key": f"seed {self.seed}"}
        return shipped.model_copy(update={"ingest": shipped.ingest.model_copy(update=own)})

    @cached_property
    def real(self) -> pl.DataFrame:
        """Rows that train."""
        return self._split("train")

    @cached_property
    def validation(self) -> pl.DataFrame:
        """Held-out rows that gate."""
        return self._split("validation")

    @cached_property
    def test(self) -> pl.DataFrame:
        """Held-out rows that gate nothing."""
        return self._split("test")

    @cached_property
    def held_out(self) -> pl.DataFrame:
        """All held-out rows."""
        return self._split("validation", "test")

    @cached_property
    def judge(self) -> image_classifier.Classifier:
        """Says what label a candidate has, by real data alone."""
        real = labelled(self.real)
        return image_classifier.train(real.vectors, real.labels, calibrate=False)

    @cached_property
    def lineage(self) -> pl.DataFrame:
        """row, sample_id, source and licence of the rows that train."""
        return self._prepared.lineage.join(self.real, on="row", how="semi")

    @cached_property
    def _prepared(self) -> real_data.Prepared:
        return real_data.prepare(self.settings)

    @cached_property
    def _rows(self) -> pl.DataFrame:
        return self._prepared.rows.with_columns(pl.lit(0, pl.Int32).alias("round"))

    def _split(self, *names: str) -> pl.DataFrame:
        return self._rows.filter(pl.col("split").is_in(names))


def labelled(frame: pl.DataFrame) -> Labelled:
    """Images and labels as the figures take them."""
    pixels = images.vectors(frame["image"])
    side = math.isqrt(pixels.shape[1])
    return Labelled(
        pixels,
        frame["label"].to_numpy(),
        neutral=image_style.neutral(pixels),
        shape=(side, side),
    )


def metrics() -> list[Configured[RoundMetric[Any]]]:
    """What measures a round of images, as the stage `evaluate` does."""
    names = (*Images.metrics, *Images.guard_metrics)
    return [Configured(METRICS.load(name)) for name in names]


def second_task() -> Configured[Task[Any]]:
    """The task of the second family."""
    return Configured(TASKS.load(Images.second_task))
