"""Copies: samples equal or near to real ones, in the training data or in the hold-out."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines import images, neighbours

SCHEMA = {
    "round": pl.Int32,
    "row": pl.Int64,
    "sample_id": pl.Binary,
    "equal": pl.Boolean,
    "distance": pl.Float64,
    "real_row": pl.Int64,
}


def copies(samples: pl.DataFrame, real: pl.DataFrame, near: float) -> pl.DataFrame:
    """Find the samples that are equal or near to a real row.

    Args:
        samples: round, row, sample_id, image.
        real: row, sample_id, image.
        near: RMS pixel distance at or below which two images are near-duplicates.

    Returns:
        One row per such sample with its closest real row: round, row, sample_id, equal (the same
        content id), distance (RMS), real_row.
    """
    left, right, distance = neighbours.within(
        images.vectors(samples["image"]), images.vectors(real["image"]), near
    )
    first = np.unique(left, return_index=True)[1]  # the closest comes first
    left, right, distance = left[first], right[first], distance[first]
    hit = samples.select("round", "row", "sample_id")[left]
    found = hit.with_columns(
        (hit["sample_id"] == real["sample_id"][right]).alias("equal"),
        pl.Series("distance", distance),
        real["row"][right].alias("real_row"),
    )
    return found.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
