"""Near-duplicates of images among real images and within the round.

Near is what has perceptual hashes (64 bits) of at most `within` different bits: a copy in another
size, format or quality, with other contrast, or slightly retouched. Hashes that differ in more bits
say nothing about how alike two images are, so greater distances all count as `within` + 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from pipelines.common.settings import StrictModel
from pipelines.features import image_hashes
from pipelines.features.image_hashes import Method, Near
from pipelines.scorers import columns, digests, twins
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given, Scorer

COLUMNS: Final = {
    "image_real_hamming": pl.Int64,
    "image_real_round": pl.Int32,
    "image_real_row": pl.Int64,
    "image_candidate_hamming": pl.Int64,
    "image_candidate_row": pl.Int64,
    "image_cluster": pl.Int64,
}


class ImageDuplicatesSettings(StrictModel):
    """Which column is the image, how it is hashed, and what is near."""

    image: str = "image"
    """Column of the images."""
    method: Method = "phash"
    """phash (frequencies; Zauner 2010), dhash (gradients), average_hash, whash (wavelets)."""
    within: int = Field(4, ge=0, le=8)
    """Bits that near images differ in at most."""


class ImageDuplicates(Scorer[ImageDuplicatesSettings]):
    """Near-duplicates of images among real images and within the round."""

    name = "image_duplicates"
    version = "image_duplicates/1"
    needs = ("image",)
    rowwise = False
    Settings = ImageDuplicatesSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: ImageDuplicatesSettings) -> str:
        """Digest the real rows and the libraries that read and hash images."""
        return digests.of_values(
            real=digests.of_frame(given.real, ["round", "row", settings.image]),
            libraries=digests.installed("ImageHash", "pillow", "scipy", "numpy"),
        )

    def expected(self, settings: ImageDuplicatesSettings) -> tuple[Expected, ...]:
        """Expect images that are near to no real one and to no other candidate."""
        far = settings.within + 1
        return (
            Expected("not_a_near_copy", "image_real_hamming", low=far),
            Expected("not_a_near_twin", "image_candidate_hamming", low=far, severity="warning"),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: ImageDuplicatesSettings
    ) -> pl.DataFrame:
        """Find the closest real image and the closest earlier candidate of each candidate.

        Args:
            candidates: round, row, image.
            given: round, row and image of the real rows; an unreadable one is near to nothing.
            settings: of hashes.

        Returns:
            round, row, and: image_real_hamming, the different bits of the closest real image, which
            is image_real_round, image_real_row; image_candidate_hamming and image_candidate_row of
            the closest candidate of a lower row; image_cluster, the lowest row of those that near
            pairs link. Where nothing is near the distance is `within` + 1 and rows are null; where
            the image cannot be read everything is.
        """
        frame, order = twins.in_order(candidates)
        hashes, readable = image_hashes.hashes(
            frame[settings.image], settings.method, given.progress
        )
        real_hashes, whole = image_hashes.hashes(given.real[settings.image], settings.method)
        near = image_hashes.nearest(hashes, real_hashes[whole], settings.within)
        at = np.flatnonzero(readable)
        rows = frame["row"].cast(pl.Int64)
        fellow, group = image_hashes.among(hashes[at], settings.within, earlier=True)
        cluster = np.zeros(len(frame), dtype=np.int64)
        cluster[at] = rows.to_numpy()[at][group]
        fellows = Near(
            _spread(fellow.distance, at, readable), _spread(_at(at, fellow), at, readable)
        )
        real = given.real.filter(pl.Series(whole))
        return _scores(frame, settings, readable, (near, real), (fellows, cluster))[order]

    def score_real(self, given: Given, settings: ImageDuplicatesSettings) -> pl.DataFrame:
        """Compare each real row with all others.

        What is about candidates is null: a real row is nobody's fellow candidate.
        """
        hashes, whole = image_hashes.hashes(
            given.real[settings.image], settings.method, given.progress
        )
        at = np.flatnonzero(whole)
        others, _ = image_hashes.among(hashes[at], settings.within, earlier=False)
        near = Near(_spread(others.distance, at, whole), _spread(_at(at, others), at, whole))
        return _scores(given.real, settings, whole, (near, given.real), None)


def _spread(
    values: NDArray[np.int64], at: NDArray[np.int64], readable: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Values of readable images as values of all; -1 of the others."""
    positions = np.full(len(readable), -1, dtype=np.int64)
    positions[at] = values
    return positions


def _at(at: NDArray[np.int64], near: Near) -> NDArray[np.int64]:
    """Positions among all images of the closest among the readable ones; -1 where there is none."""
    return np.where(near.row >= 0, at[near.row], -1) if len(at) else near.row


def _scores(
    frame: pl.DataFrame,
    settings: ImageDuplicatesSettings,
    readable: NDArray[np.bool_],
    closest: tuple[Near, pl.DataFrame],
    fellows: tuple[Near, NDArray[np.int64]] | None,
) -> pl.DataFrame:
    """Scores from the closest real rows and, of candidates, the closest fellow and the cluster."""
    near, real = closest
    none = np.full(len(frame), -1, dtype=np.int64)
    fellow, cluster = fellows or (Near(none, none), none)
    alone = readable if fellows else np.zeros(len(frame), dtype=np.bool_)
    far = settings.within + 1
    values = {
        "image_real_hamming": np.where(near.distance >= 0, near.distance, far),
        "image_real_round": twins.taken(real["round"], near.row),
        "image_real_row": twins.taken(real["row"], near.row),
        "image_candidate_hamming": np.where(fellow.distance >= 0, fellow.distance, far),
        "image_candidate_row": twins.taken(frame["row"], fellow.row),
        "image_cluster": cluster,
    }
    known = {
        "image_real_hamming": readable,
        "image_real_round": readable & (near.row >= 0),
        "image_real_row": readable & (near.row >= 0),
        "image_candidate_hamming": alone,
        "image_candidate_row": alone & (fellow.row >= 0),
        "image_cluster": alone,
    }
    return columns.scores(frame, COLUMNS, values, known)
