"""How far is each candidate from the closest real training image, and from the others?

A candidate at distance 0 from a real image is a copy. The ratio to the second closest tells copies
from images in a dense region: a memorised image is far closer to one real image than to any other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from pipelines.common.settings import StrictModel
from pipelines.features import images, knn
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


class DistanceSettings(StrictModel):
    """Which column is the image, and how much is held in memory."""

    image: str = "image"
    """Column of the images."""
    block_rows: int = Field(2048, gt=0)
    """Candidates whose distances are held in memory at once."""


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
        vectors = images.vectors(given.real[settings.image])
        nearest = knn.nearest(vectors, vectors, 2, block_rows=settings.block_rows, skip_self=True)
        alone = np.full(len(vectors), np.nan), np.full(len(vectors), -1, dtype=np.int64)
        return _scores(given.real, given.real, nearest, alone)


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
