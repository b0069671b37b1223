"""Images, with or without labels: near by pixels, measured by pixels, for classification."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, field_validator

from lineage import image_files
from lineage.schema import SHOWN, UNREADABLE
from pipelines.common import console
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.contact_sheet import grid
from pipelines.features import (
    image_conversion,
    image_descriptor,
    image_embedding,
    image_forms,
    image_hashes,
    image_style,
    images,
    near_pairs,
)
from pipelines.features.pair_distances import rms
from pipelines.features.pictures import Pictures
from pipelines.features.pretrained import embedder as pretrained
from pipelines.features.pretrained import weights
from pipelines.features.pretrained.reference import Reference
from pipelines.metrics import Labelled, tasks
from pipelines.modalities import labels
from pipelines.modalities.protocol import LABEL, Modality, Pairs, missing

Embedder: TypeAlias = image_embedding.Embedder | pretrained.Embedder

IMAGE = "image"
PIXELS: Final = "pixels"
LEARNED: Final = "learned"
RETOUCHED_BITS: Final = 4
"""Bits of a perceptual hash, of 64, that retouched copies differ in at most."""
RETOUCHED: Final = 2.5
"""How far apart the pixels of retouched copies are at most, for the distance of others."""


class ImageSettings(StrictModel):
    """What can be set for images under `ingest`."""

    size: int | tuple[int, int] | None = None
    """Side of a square, or height and width, in pixels; None: the size that all images have."""
    fit: image_conversion.Fit = "crop"
    """How an image of other proportions gets this size: cut at its centre, padded, stretched."""
    ground: str = "white"
    """Colour below alpha and around an image that is padded, as CSS writes it."""
    white: int = Field(image_conversion.WHITE, ge=255, le=image_conversion.WHITE)
    """Value of grey images of 16 bits from which on they are white, such as 4095 for 12 bits."""
    features: str | None = None
    """What figures of shape are measured on: `pixels`; `learned`, points of a network that learns
    from the real training rows; or those of one that others trained, `efficientnet-lite0` or
    `timm:MODEL[@FILE]`. Not given: pixels of images of at most `image_descriptor.PLAIN` values,
    and `learned` of larger ones."""

    @field_validator("size")
    @classmethod
    def _within_limits(cls, size: int | tuple[int, int] | None) -> tuple[int, int] | None:
        if size is None:
            return None
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 1 or height * width > image_files.MAX_PIXELS:
            raise ValueError(
                f"is {height} by {width}; an image has 1 to {image_files.MAX_PIXELS:,} pixels"
            )
        return height, width

    @field_validator("ground")
    @classmethod
    def _opaque_colour(cls, ground: str) -> str:
        image_conversion.colour(ground)
        return ground

    @field_validator("features")
    @classmethod
    def _known_features(cls, features: str | None) -> str | None:
        if features not in (None, PIXELS, LEARNED):
            Reference.of(features)
        return features

    def measured_by(self, shape: tuple[int, ...]) -> str:
        """Return what images of this shape, [h, w] or [h, w, 3], are measured on."""
        if self.features is None:
            return PIXELS if image_descriptor.is_plain(shape) else LEARNED
        return self.features

    def form(self) -> image_conversion.Form:
        """Return the form that images are brought into."""
        size = (self.size, self.size) if isinstance(self.size, int) else self.size
        ground = image_conversion.colour(self.ground)
        return image_conversion.Form(size, self.fit, ground, self.white)


@dataclass(frozen=True, slots=True)
class Images(Modality):
    """A data set of images, in columns `image` and, where rows have one, `label`."""

    name = "image"
    version = "image/2"
    Settings = ImageSettings
    near = "RMS pixel distance"
    default_near = 0.06
    pairs_are_within = True
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]] = {"agreement": {}, "distance": {}}
    guard_metrics = ("neighbours", "classes", "content", "style")
    task = "image_labels"
    second_task = "nearest_labels"
    generator = "diffusion"
    identity: tuple[str, ...]
    settings: ImageSettings = field(default_factory=ImageSettings)

    def columns(self, frame: pl.DataFrame) -> list[str]:
        """Return `image`, and `label` if the frame has it."""
        return [IMAGE, *([LABEL] if LABEL in frame.columns else [])]

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Bring images into one form (`struct{bytes, path}`), and labels into one type.

        Raises:
            DataError: The column `image` is missing or of another type, images cannot be read or
                have several sizes, or a label is missing or no label. The message names every
                image that is at fault.
        """
        problem = missing(source, frame, (IMAGE,))
        if problem is not None:
            raise DataError(problem)
        if LABEL in frame.columns:
            frame = frame.with_columns(labels.typed(source, frame[LABEL]))
        try:
            files = frame[IMAGE].cast(images.IMAGE)
        except UNREADABLE as error:
            given = str(frame.schema[IMAGE])[:SHOWN]
            raise DataError(
                f"{source}: column {IMAGE!r} is {given}; it must be {images.IMAGE}"
            ) from error
        try:
            formed = image_forms.bring(files, self.settings.form())
        except images.ImageError as error:
            raise images.ImageError(f"{source}: {error}") from error
        for line in image_forms.account(formed, self.settings.white):
            console.line(f"{source}: {line}")
        return frame.with_columns(formed.images)

    def place(self) -> pl.Expr:
        """Return the path of the image's file."""
        return pl.col(IMAGE).struct.field("path")

    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """Find what links near rows by the RMS distance of pixels, and retouched copies by hash.

        A larger image is also compared with the earlier one whose perceptual hash is closest: where
        at most `RETOUCHED_BITS` bits differ, and the pixels by at most `RETOUCHED` times `near`,
        one is a copy of the other that was moved, recoloured or compressed. The hash alone says
        nothing about plain images, which all look alike to it.
        """
        pixels = _flat(frame[IMAGE])
        pairs = near_pairs.linked(pixels, near)
        if pixels.shape[1] <= image_descriptor.PLAIN:
            return pairs
        hashed = image_hashes.earlier_pairs(frame[IMAGE], RETOUCHED_BITS)
        alike = hashed[rms(pixels, pixels, *hashed.T) <= RETOUCHED * near]
        return np.unique(np.concatenate([pairs, alike]), axis=0)

    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """Find near real rows by the RMS distance of pixels."""
        return near_pairs.within(_flat(rows[IMAGE]), _flat(real[IMAGE]), near)

    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:
        """Return whether each image can be decoded and has the shape of the others."""
        shape = images.decode(like[IMAGE][:1]).shape[1:]
        decoded = images.decode_lenient(rows[IMAGE], shape)
        return pl.Series(images.finite(decoded))

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the payload unchanged."""
        return frame

    def check_ready(self, settings: ImageSettings) -> None:
        """Check that a network that others trained is at hand, if one measures.

        Raises:
            LibraryError: a package is not installed.
            DataError: its weights cannot be read or fetched.
            ParamsError: there is no such network.
        """
        if settings.features not in (None, PIXELS, LEARNED):
            pretrained.check_ready(settings.features)

    def measured_digests(self, settings: ImageSettings) -> Mapping[str, str]:
        """Return the digest of the weights of the network that others trained, if one measures."""
        if settings.features in (None, PIXELS, LEARNED):
            return {}
        return {settings.features: weights.digest(Reference.of(settings.features))}

    def measured(
        self, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> Mapping[str, Labelled]:
        """Return pixel vectors of small images, and of others points of a network.

        The network has learnt from the real rows alone, or others trained it. The classifier of a
        downstream task sees pixels, or what describes larger images (`features.image_descriptor`).
        """
        return measured_by(self.embedder(real), frames)

    def embedder(self, real: pl.DataFrame) -> Embedder | None:
        """Make what turns images into points; None: their pixels are the points."""
        features = self.settings.measured_by(images.decode(real[IMAGE][:1]).shape[1:])
        if features == PIXELS:
            return None
        values = images.to_unit(images.decode(real[IMAGE]))
        if features == LEARNED:
            return image_embedding.fit(values, labels.array(real))
        return pretrained.fit(features, values)

    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        """Draw a grid of images."""
        return grid.round_grid(real=real, accepted=accepted, refused=refused, title=title)


def _flat(column: pl.Series) -> NDArray[np.uint8]:
    """Decode images, of which none may be missing, into the bytes of their pixels, [n, d]."""
    pixels = images.decode(column)
    return pixels.reshape(len(pixels), math.prod(pixels.shape[1:]))


def measured_by(
    embedder: Embedder | None, frames: Mapping[str, pl.DataFrame]
) -> Mapping[str, Labelled]:
    """Return rows as figures take them, by a network that is there; None: by their pixels."""
    return {name: _labelled(frame, embedder) for name, frame in frames.items()}


def _labelled(frame: pl.DataFrame, embedder: Embedder | None) -> Labelled:
    values = images.to_unit(images.decode(frame[IMAGE]))
    pixels = values.reshape(len(values), math.prod(values.shape[1:]))
    plain = image_descriptor.is_plain(values.shape[1:])
    inputs = np.empty(0, dtype=np.float32) if plain else image_descriptor.described(values)
    none = np.empty(0, dtype=np.float32)
    neutral = image_style.neutral(pixels) if plain and embedder is None else none
    shape, reduced = (values.shape[1:], none) if len(neutral) else _reduced(values)
    return Labelled(
        pixels if embedder is None else embedder.points(values),
        labels.array(frame),
        tasks.weights(frame),
        inputs,
        embedder.digest if embedder else "",
        embedder.name if embedder else "",
        neutral=neutral,
        shape=shape,
        reduced=reduced,
        pictures=Pictures(frame[IMAGE], embedder.points) if embedder else None,
    )


def _reduced(values: NDArray[np.float32]) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    """Make larger images small, without the brightness and contrast of each: shape, [n, d]."""
    plain = image_descriptor.is_plain(values.shape[1:])
    small = values if plain else image_descriptor.small(values)
    return small.shape[1:], image_style.neutral(small.reshape(len(small), -1))
