"""How far is each candidate from the closest real training image, and from the others?

A candidate at distance 0 from a real image is a copy. The ratio to the second closest tells copies
from images in a dense region: a memorised image is far closer to one real image than to any other.

All are compared with all, which takes time as the square of the rows; or, where it is told so,
among very many by a forest of random trees (`features.knn_forest`), which finds copies, and of
other images a neighbour that may be a little farther than the nearest.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from pipelines.common.settings import StrictModel
from pipelines.features import images, knn, knn_forest
from pipelines.scorers import columns, digests
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given, Scorer

COLUMNS: Final = {
    "real_distance": pl.Float64,
    "real_ratio": pl.Float64,
    "real_round": pl.Int32,
    "real_row": pl.Int64,
    "candidate_distance": pl.Float64,
    "candidate_row": pl.Int64,
}

MANY: Final = 1 << 15
"""Images up to which a search among them is exact, however it is set."""
DECODED: Final = 1 << 13
"""Images that are decoded at once where their bytes are held."""
BETWEEN: Final = 1 << 16
"""Candidates that are compared with few real rows at once."""

Nearest = tuple[NDArray[np.float64], NDArray[np.int64]]


class DistanceSettings(StrictModel):
    """Which column is the image, and how much is held in memory."""

    image: str = "image"
    """Column of the images."""
    block_rows: int = Field(2048, gt=0)
    """Candidates whose distances are held in memory at once."""
    search: Literal["exact", "forest"] = "exact"
    """How neighbours are searched among very many images (beyond 32,768): all pairs are compared,
    in time as the square of their number; or most neighbours are found, copies among them, in time
    that follows it."""


class Distance(Scorer[DistanceSettings]):
    """Distances of each candidate to real images and to other candidates."""

    name = "distance"
    version = "distance/1"
    needs = ("image",)
    rowwise = False
    Settings = DistanceSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: DistanceSettings) -> str:
        """Digest the real rows and the library that reads images."""
        return digests.of_values(
            real=digests.of_frame(given.real, ["round", "row", settings.image]),
            libraries=digests.versions("numpy", "pillow"),
        )

    def expected(self, settings: DistanceSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect images as close to real ones as these are to each other, and no closer."""
        return (
            Expected("not_a_copy", "real_distance", low=Quantile(0.0)),
            Expected("like_real_images", "real_distance", high=Quantile(0.995)),
            Expected("not_memorised", "real_ratio", low=Quantile(0.005), severity="warning"),
            Expected("not_a_twin", "candidate_distance", low=Quantile(0.005), severity="warning"),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: DistanceSettings
    ) -> pl.DataFrame:
        """Measure RMS pixel distances to real rows and to the other candidates.

        Args:
            candidates: round, row, image.
            given: round, row and image of the real rows.
            settings: of blocks and columns.

        Returns:
            round, row, and: real_distance to the closest real row, which is real_round, real_row;
            real_ratio, that distance over the one to the second closest (1 if both are 0);
            candidate_distance to the closest other candidate, which is candidate_row.

        Raises:
            ImageError: a real image cannot be read.
        """
        if settings.search == "forest" and max(len(candidates), len(given.real)) > MANY:
            return _of_many(candidates, given, settings)
        vectors, real_vectors = columns.vectors(
            candidates[settings.image], given.real[settings.image]
        )
        close, real_at = knn.nearest(vectors, real_vectors, 2, block_rows=settings.block_rows)
        others, other = knn.nearest(
            vectors, vectors, 1, block_rows=settings.block_rows, skip_self=True
        )
        return _scores(candidates, given.real, (close, real_at), (others[:, 0], other[:, 0]))

    def score_real(self, given: Given, settings: DistanceSettings) -> pl.DataFrame:
        """Measure the distance of each real row to all others.

        Its `candidate_distance` is null: a real row is nobody's fellow candidate.

        Raises:
            ImageError: a real image cannot be read.
        """
        if settings.search == "forest" and len(given.real) > MANY:
            return _of_many_real(given, settings)
        vectors = images.vectors(given.real[settings.image])
        nearest = knn.nearest(vectors, vectors, 2, block_rows=settings.block_rows, skip_self=True)
        alone = np.full(len(vectors), np.nan), np.full(len(vectors), -1, dtype=np.int64)
        return _scores(given.real, given.real, nearest, alone)


def _of_many(candidates: pl.DataFrame, given: Given, settings: DistanceSettings) -> pl.DataFrame:
    """Score candidates as `Distance.score` does, with one byte for each value of an image."""
    real_images = given.real[settings.image]
    shape = images.decode(real_images[:1]).shape[1:]
    real, _ = _bytes(real_images, shape, strict=True)
    pixels, readable = _bytes(candidates[settings.image], shape, strict=False)
    at = np.flatnonzero(readable)
    found = pixels if readable.all() else pixels[at]
    del pixels
    fellows = _nearest(found, found, 1, given.seed, settings, skip_self=True)
    close = _spread(_nearest(found, real, 2, given.seed, settings), at, len(candidates))
    others, other = _spread(fellows, at, len(candidates))
    other[at] = np.where(other[at] >= 0, at[other[at]], -1)
    return _scores(candidates, given.real, close, (others[:, 0], other[:, 0]))


def _of_many_real(given: Given, settings: DistanceSettings) -> pl.DataFrame:
    """Score real rows as `Distance.score_real` does, with one byte for each value of an image."""
    real_images = given.real[settings.image]
    real, _ = _bytes(real_images, images.decode(real_images[:1]).shape[1:], strict=True)
    nearest = _nearest(real, real, 2, given.seed, settings, skip_self=True)
    alone = np.full(len(real), np.nan), np.full(len(real), -1, dtype=np.int64)
    return _scores(given.real, given.real, nearest, alone)


def _bytes(
    column: pl.Series, shape: images.Shape, *, strict: bool
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Decode images into the bytes of their pixels, [n, d], and say which can be read, [n].

    Raises:
        ImageError: an image cannot be read, and `strict` asks for all of them.
    """
    pixels = np.zeros((len(column), math.prod(shape)), dtype=np.uint8)
    readable = np.ones(len(column), dtype=np.bool_)
    for start in range(0, len(column), DECODED):
        block = slice(start, start + DECODED)
        values = images.decode_lenient(column[block], shape)
        readable[block] = images.finite(values)
        if strict and not readable[block].all():
            images.decode(column)  # says which one, and why
        flat = values.reshape(len(values), pixels.shape[1])
        pixels[block][readable[block]] = images.to_bytes(flat[readable[block]])
    return pixels, readable


def _nearest(
    queries: NDArray[np.uint8],
    references: NDArray[np.uint8],
    k: int,
    seed: int,
    settings: DistanceSettings,
    *,
    skip_self: bool = False,
) -> Nearest:
    """Find the k nearest references of each query: exactly among few, and most among many."""
    if len(references) > MANY:
        return knn_forest.nearest(queries, references, k, seed=seed, skip_self=skip_self)
    values = images.to_unit(references)
    if skip_self:
        return knn.nearest(values, values, k, block_rows=settings.block_rows, skip_self=True)
    parts = [
        knn.nearest(images.to_unit(queries[start : start + BETWEEN]), values, k)
        for start in range(0, max(len(queries), 1), BETWEEN)
    ]
    distances, rows = (np.concatenate(each) for each in zip(*parts, strict=True))
    return distances, rows


def _spread(found: Nearest, at: NDArray[np.int64], count: int) -> Nearest:
    """Put what was found of the rows `at` among `count` rows, of which others have no neighbour."""
    distances = np.full((count, found[0].shape[1]), np.nan)
    rows = np.full(distances.shape, -1, dtype=np.int64)
    distances[at], rows[at] = found
    return distances, rows


def _scores(
    rows: pl.DataFrame,
    real: pl.DataFrame,
    closest: tuple[NDArray[np.float64], NDArray[np.int64]],
    fellows: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> pl.DataFrame:
    """Scores from the two closest real rows, [n, 2], and the closest fellow, [n]."""
    (close, real_at), (others, other) = closest, fellows
    has_real, second, fellow = (np.isfinite(each) for each in (close[:, 0], close[:, 1], others))
    first, next_ = close.T
    ratio = np.divide(first, next_, out=np.ones_like(first), where=second & (next_ > 0))
    row = rows["row"].cast(pl.Int64).to_numpy()
    places = {name: real[name].to_numpy() for name in ("round", "row")}
    values = {
        "real_distance": first,
        "real_ratio": ratio,
        "real_round": _taken(places["round"], real_at[:, 0]),
        "real_row": _taken(places["row"], real_at[:, 0]),
        "candidate_distance": others,
        "candidate_row": _taken(row, other),
    }
    known = dict.fromkeys(COLUMNS, has_real) | {"real_ratio": second}
    known |= {"candidate_distance": fellow, "candidate_row": fellow}
    return columns.scores(rows, COLUMNS, values, known)


def _taken(
    values: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The values at these places; 0 where there is no place (-1)."""
    if not len(values):
        return np.zeros(len(at), dtype=np.int64)
    return np.where(at >= 0, values[at], 0)
