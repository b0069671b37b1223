"""Compare the rows of a shard with those of the shard made again."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.features import images

MAX_DIFFERENCE: Final = 255
"""Difference, in grey levels, of two images of which one is missing or has another shape."""


def differing(recorded: pl.DataFrame, replayed: pl.DataFrame) -> pl.DataFrame:
    """Select the rows whose ids or payload bytes differ, as `Replay.differing`.

    Args:
        recorded: Columns row and sample_id, and the payload.
        replayed: The same columns; a kept column that the generator does not make may be missing,
            as it is null in the record.
    """
    absent = [name for name in recorded.columns if name not in replayed.columns]
    replayed = replayed.with_columns(
        pl.lit(None, recorded.schema[name]).alias(name) for name in absent
    )
    both = recorded.join(replayed, on="row", how="full", suffix="_now", coalesce=True).sort("row")
    names = [name for name in recorded.columns if name != "row"]
    pairs = [(pl.col(name), pl.col(f"{name}_now")) for name in names]
    contents = [
        tuple(side.struct.field("bytes") for side in pair) if dtype == images.IMAGE else pair
        for pair, dtype in zip(pairs, recorded.select(names).dtypes, strict=True)
    ]
    same = pl.all_horizontal(then.eq_missing(now) for then, now in contents)
    rows = both.filter(~same)
    return rows.select(
        "row",
        pl.col("sample_id").alias("recorded"),
        pl.col("sample_id_now").alias("replayed"),
        _differences(rows).alias("difference"),
    )


def _differences(rows: pl.DataFrame) -> pl.Series:
    """Compute the largest difference of each pair of images, in grey levels; null for texts."""
    if rows.schema.get("image") != images.IMAGE:
        return pl.Series([None] * len(rows), dtype=pl.Int64)
    left, right = (images.decode_lenient(rows[name]) for name in ("image", "image_now"))
    if left.shape != right.shape or not left.size:
        return pl.Series([MAX_DIFFERENCE] * len(rows), dtype=pl.Int64)
    difference = np.abs(left - right) * MAX_DIFFERENCE
    difference[np.isnan(left) & np.isnan(right)] = 0
    difference[np.isnan(difference)] = MAX_DIFFERENCE
    largest = difference.max(axis=tuple(range(1, difference.ndim)))
    return pl.Series(np.rint(largest).astype(np.int64))
