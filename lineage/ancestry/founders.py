"""Founder equivalents: how many real samples a set of rows effectively comes from (Lacy 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.index import Ancestry


@dataclass(frozen=True, slots=True, eq=False)
class Founders:
    """Where the backward walks from some rows end."""

    equivalents: float | None
    """(Σp)² / Σp², p the mass of walks that end at each real sample; None when no walk does."""
    mass: float
    """Share of the walks that end at a real sample."""
    opaque: float
    """Share of the walks that end at an opaque root."""
    lost: float
    """Share of the walks that leave the index: at an absent parent, or a mix not held."""
    top: pl.DataFrame
    """number (Int64), share (Float64, of Σp) of the heaviest founders, heaviest first, equals by
    number."""


def founders(index: Ancestry, start: NDArray[np.int64], *, top: int = 10) -> Founders:
    """Follow the backward walks that start evenly at the given rows, each as often as it is given.

    Args:
        index: the index.
        start: numbers of rows.
        top: how many founders to name.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    raise NotImplementedError
