"""Types that the fixtures and the tests of this folder share."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.llm.home import ServerHome
from pipelines.llm.settings import Access

Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Real and validation images as flat rows in the unit interval."""


@dataclass(frozen=True)
class Split:
    """Real digits, split at random: round, row, image, label."""

    real: pl.DataFrame
    validation: pl.DataFrame


@dataclass(frozen=True)
class LocalServer:
    """The local model's running server."""

    home: ServerHome
    access: Access

    def served(self, *, at_least: int = 0) -> int:
        """The server's own count of requests, once what it said has been counted."""
        deadline = time.monotonic() + 5
        while self.home.served() < at_least and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        return self.home.served()
