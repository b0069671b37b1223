"""A source and a modality: numbers with a label each."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled
from pipelines.modalities.protocol import Modality, Pairs
from pipelines.sources.protocol import Source


class WaveSettings(StrictModel):
    rows: int = Field(60, gt=0)


class Wave(Source[WaveSettings]):
    """Two classes of numbers, around 0 and around 10."""

    name = "wave"
    version = "wave/1"
    Settings = WaveSettings
    origin = "tests/wave"
    licence = "CC0-1.0"

    def load(self, settings: WaveSettings) -> pl.DataFrame:
        label = np.arange(settings.rows, dtype=np.int64) % 2
        value = np.random.default_rng(5).normal(10.0 * label, 1.0)
        return pl.DataFrame({"value": value, "label": label})


@dataclass(frozen=True)
class Numbers(Modality):
    """Numbers in a column of the identity, with a label."""

    name = "number"
    version = "number/1"
    near = "difference"
    default_near = 0.0
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    generator = "studio.jitter"
    task = "image_labels"
    identity: tuple[str, ...]

    def columns(self, frame: pl.DataFrame) -> list[str]:  # noqa: ARG002
        return [*self.identity, "label"]

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        return frame.select(pl.col(self.identity).cast(pl.Float64), pl.col("label").cast(pl.Int64))

    def place(self) -> pl.Expr:
        return pl.lit(None, pl.String)

    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        apart = np.abs(self._values(frame)[:, None] - self._values(frame)[None])
        found = np.argwhere(apart <= near)
        return found[found[:, 0] < found[:, 1]].astype(np.int64)

    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        apart = np.abs(self._values(rows)[:, None] - self._values(real)[None])
        left, right = np.nonzero(apart <= near)
        return left, right, apart[left, right]

    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:  # noqa: ARG002
        return rows[self.identity[0]].is_finite()

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame

    def measured(
        self,
        real: pl.DataFrame,  # noqa: ARG002
        frames: Mapping[str, pl.DataFrame],
    ) -> Mapping[str, Labelled]:
        return {
            name: Labelled(
                self._values(frame)[:, None].astype(np.float32), frame["label"].to_numpy()
            )
            for name, frame in frames.items()
        }

    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        assert title
        buffer = io.BytesIO()
        Image.new("L", (len(real), len(accepted) + len(refused))).save(buffer, format="PNG")
        return buffer.getvalue()

    def _values(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        return frame[self.identity[0]].to_numpy()
