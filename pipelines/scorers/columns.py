"""What every scorer does: read images into vectors, and put scores beside round and row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import images

Values = NDArray[Any]
Known = NDArray[np.bool_]
OCCURRENCE: Final = {"round": pl.Int32, "row": pl.Int64}


def vectors(
    candidates: pl.Series, real: pl.Series
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decode the images of candidates and of real rows into pixel vectors.

    Returns:
        [n, d], NaN for a candidate without a readable image of the real rows' shape; and [m, d].

    Raises:
        ImageError: a real image cannot be read.
    """
    real_pixels = images.to_unit(images.decode(real))
    pixels = images.decode_lenient(candidates, real_pixels.shape[1:])
    size = math.prod(real_pixels.shape[1:])
    return pixels.reshape(len(pixels), size), real_pixels.reshape(len(real_pixels), size)


def scores(
    candidates: pl.DataFrame,
    columns: Mapping[str, pl.DataType | type[pl.DataType]],
    values: Mapping[str, NDArray[Any]],
    known: Mapping[str, NDArray[np.bool_]],
) -> pl.DataFrame:
    """Build a scorer's result.

    Args:
        candidates: round, row and more.
        columns: names and types of the scores.
        values: [n] for each name.
        known: [n] for each name, where the value is one; elsewhere the score is null.
    """
    frame = candidates.select(pl.col(name).cast(kind) for name, kind in OCCURRENCE.items())
    return frame.with_columns(
        pl.Series(name, values[name], dtype=kind).set(pl.Series(~known[name]), None)
        for name, kind in columns.items()
    )
