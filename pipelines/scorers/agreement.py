"""Does a classifier trained on real data see what the generator was asked for?"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines import classifiers, images
from pipelines.scorers import columns

COLUMNS: Final = {"predicted_label": pl.Int64, "confidence": pl.Float64}


def score(candidates: pl.DataFrame, real: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """Classify each candidate with a classifier trained on the real rows.

    Args:
        candidates: round, row, image.
        real: image, label.
        seed: of the classifier's calibration.

    Returns:
        round, row, predicted_label, confidence (calibrated probability of that label).

    Raises:
        ImageError: a real image cannot be read.
        DataError: a class has too few real rows.
    """
    asked, known = columns.vectors(candidates, real)
    classifier = classifiers.train(known, real["label"].to_numpy(), seed=seed)
    readable = images.finite(asked)
    labels = np.zeros(len(asked), dtype=np.int64)
    confidence = np.full(len(asked), np.nan)
    labels[readable], confidence[readable] = classifier.predict(asked[readable])
    values = {"predicted_label": labels, "confidence": confidence}
    return columns.scores(candidates, COLUMNS, values, dict.fromkeys(COLUMNS, readable))
