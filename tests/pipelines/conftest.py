from __future__ import annotations

import polars as pl
import pytest

from pipelines.features import images
from pipelines.sources import digits
from tests.pipelines.kinds import Split, Vectors


@pytest.fixture(scope="session")
def split() -> Split:
    frame = (
        digits.load()
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64), pl.lit(0, pl.Int32).alias("round"))
        .select("round", "row", "image", "label")
        .sample(fraction=1, shuffle=True, seed=0)
    )
    return Split(frame[:1077], frame[1077:1527])


@pytest.fixture(scope="session")
def vectors(split: Split) -> Vectors:
    return images.vectors(split.real["image"]), images.vectors(split.validation["image"])
