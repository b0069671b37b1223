"""Types that the fixtures and the tests of this folder share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Real and validation images as flat rows in the unit interval."""


@dataclass(frozen=True)
class Split:
    """Real digits, split at random: round, row, image, label."""

    real: pl.DataFrame
    validation: pl.DataFrame
