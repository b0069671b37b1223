"""Images with labels: near by pixels, measured by pixels, for classification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.schema import SHOWN, UNREADABLE
from pipelines.common.errors import DataError
from pipelines.contact_sheet import grid
from pipelines.features import images, knn
from pipelines.metrics import Labelled, tasks
from pipelines.modalities.protocol import LABEL, Modality, Pairs, missing

IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Images(Modality):
    """A data set of images, in columns `image` and `label`."""

    name = "image"
    version = "image/1"
    near = "RMS pixel distance"
    default_near = 0.06
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]] = {"agreement": {}, "distance": {}}
    task = "image_labels"
    generator = "diffusion"
    identity: tuple[str, ...]

    def columns(self, frame: pl.DataFrame) -> list[str]:  # noqa: ARG002  they are always the same
        """Return `image` and `label`."""
        return [IMAGE, LABEL]

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Cast images to files (`struct{bytes, path}`) and labels to integers."""
        problem = missing(source, frame, (IMAGE, LABEL))
        if problem is not None:
            raise DataError(problem)
        if frame[LABEL].null_count():
            raise DataError(f"{source}: row {frame[LABEL].is_null().arg_max()} has no label")
        for column, kind in ((LABEL, pl.Int64()), (IMAGE, images.IMAGE)):
            try:
                frame = frame.with_columns(pl.col(column).cast(kind))
            except UNREADABLE as error:
                given = str(frame.schema[column])[:SHOWN]
                raise DataError(
                    f"{source}: column {column!r} is {given}; it must be {kind}"
                ) from error
        return frame

    def place(self) -> pl.Expr:
        """Return the path of the image's file."""
        return pl.col(IMAGE).struct.field("path")

    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """Find pairs of rows by the RMS distance of their pixels."""
        return knn.pairs_within(images.vectors(frame[IMAGE]), near)

    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """Find near real rows by the RMS distance of pixels."""
        left, right = images.vectors(rows[IMAGE]), images.vectors(real[IMAGE])
        return knn.within(left, right, near)

    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:
        """Return whether each image can be decoded and has the shape of the others."""
        shape = images.decode(like[IMAGE][:1]).shape[1:]
        decoded = images.decode_lenient(rows[IMAGE], (shape[0], shape[1]))
        return pl.Series(images.finite(decoded))

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the payload unchanged."""
        return frame

    def measured(
        self,
        real: pl.DataFrame,  # noqa: ARG002  pixels need no features fitted to them
        frames: Mapping[str, pl.DataFrame],
    ) -> Mapping[str, Labelled]:
        """Return pixel vectors, which the classifier sees too."""
        return {name: _labelled(frame) for name, frame in frames.items()}

    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        """Draw a grid of images."""
        return grid.round_grid(real=real, accepted=accepted, refused=refused, title=title)


def _labelled(frame: pl.DataFrame) -> Labelled:
    vectors = images.vectors(frame[IMAGE])
    return Labelled(vectors, frame[LABEL].to_numpy(), tasks.weights(frame))
