"""A data set that a generator learns in seconds: two classes of noisy 8×8 images."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.features import images

SOURCE = "tests/tiny"
LICENCE = "CC0-1.0"


def load() -> pl.DataFrame:
    """160 rows: class 0 is bright on the left, class 1 on the right."""
    draw = np.random.default_rng(7)
    labels = np.arange(160, dtype=np.int64) % 2
    values = draw.normal(0.2, 0.08, (160, 8, 8))
    values[labels == 0, :, :4] += 0.5
    values[labels == 1, :, 4:] += 0.5
    return pl.DataFrame(
        {"image": images.encode_lenient(values.astype(np.float32)), "label": labels}
    )
