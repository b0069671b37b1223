"""Images between two images, pixel by pixel."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import images
from pipelines.generators.pool import Pool

IMAGE: Final = "image"


def has_image(pool: Pool) -> bool:
    """Whether rows of a mix are images."""
    return pool.payload.schema.get(IMAGE) == images.IMAGE


def mixed(left: pl.Series, right: pl.Series, share: NDArray[np.float64]) -> pl.Series:
    """Mix images, each with its partner.

    Args:
        left: struct{bytes, path}, [n].
        right: [n], of the same shape.
        share: [n] of the right image, in [0, 1].

    Returns:
        struct{bytes, path}, [n]; the path is null.

    Raises:
        ImageError: an image cannot be read, or has another shape.
    """
    ends = [images.decode(each).astype(np.float64) for each in (left, right)]
    part = share.reshape(-1, *[1] * (ends[0].ndim - 1))
    values = np.rint((1 - part) * ends[0] + part * ends[1]).astype(np.uint8)
    return images.column(values)
