"""Does a classifier trained on real data see what the generator was asked for?"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.common.settings import StrictModel
from pipelines.features import image_classifier, images
from pipelines.scorers import columns, digests
from pipelines.scorers.protocol import Given

COLUMNS: Final = {"predicted_label": pl.Int64, "confidence": pl.Float64}
NEEDS: Final = ("image", "label")
ROWWISE: Final = True


class Settings(StrictModel):
    """Which columns are the image and its label."""

    image: str = "image"
    label: str = "label"


def model_digest(given: Given, settings: Settings) -> str:
    """Digest the rows that the classifier learns from, and the library that fits it."""
    return digests.of_values(
        real=digests.of_frame(given.real, [settings.image, settings.label]),
        seed=given.seed,
        libraries=digests.versions("scikit-learn", "scipy", "numpy", "pillow"),
    )


def score(candidates: pl.DataFrame, given: Given, settings: Settings) -> pl.DataFrame:
    """Classify each candidate with a classifier trained on the real rows.

    Args:
        candidates: round, row, image.
        given: image and label of the real rows; the seed of the classifier's calibration.
        settings: names of columns.

    Returns:
        round, row, predicted_label, confidence (calibrated probability of that label).

    Raises:
        ImageError: a real image cannot be read.
        DataError: a class has too few real rows.
    """
    asked, known = columns.vectors(candidates[settings.image], given.real[settings.image])
    classifier = image_classifier.train(
        known, given.real[settings.label].to_numpy(), seed=given.seed
    )
    readable = images.finite(asked)
    labels = np.zeros(len(asked), dtype=np.int64)
    confidence = np.full(len(asked), np.nan)
    labels[readable], confidence[readable] = classifier.predict(asked[readable])
    values = {"predicted_label": labels, "confidence": confidence}
    return columns.scores(candidates, COLUMNS, values, dict.fromkeys(COLUMNS, readable))


def score_real(given: Given, settings: Settings) -> pl.DataFrame:
    """The same of the real rows, each by a classifier that did not learn from it.

    Raises:
        ImageError: a real image cannot be read.
        DataError: a class has too few real rows.
    """
    known = images.vectors(given.real[settings.image])
    labels, confidence = image_classifier.unseen(
        known, given.real[settings.label].to_numpy(), seed=given.seed
    )
    values = {"predicted_label": labels, "confidence": confidence}
    whole = np.ones(len(known), dtype=np.bool_)
    return columns.scores(given.real, COLUMNS, values, dict.fromkeys(COLUMNS, whole))
