"""Rows of a table as points, by an encoding that is fixed on real training rows.

Each number becomes its quantile among the real ones, so that all columns count alike whatever their
units; each frequent category a column of its own. Two rows that differ in one category are as far
apart as the smallest and the largest number: 1. Null has a column of its own too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features.tables import kinds

KNOTS: Final = 1024
"""Most quantiles that a column is scaled by."""
LEVELS: Final = 32
"""Most categories of a column that are told apart."""
RARE: Final = 0.005
"""Share of rows below which a category is one of the others."""
APART: Final = float(np.sqrt(0.5))
"""Value of a category's column, so that two categories are at distance 1."""
BEYOND: Final = 1.0
"""How far outside of [0, 1] a number beyond all real ones can be."""
MIDDLE: Final = 0.5
"""Where a number is that is null."""

Points = NDArray[np.float32]
Encode = Callable[[pl.Series], list[NDArray[np.float64]]]


def fit(real: pl.DataFrame, columns: Sequence[str]) -> Callable[[pl.DataFrame], Points]:
    """Fix the encoding on real rows.

    Args:
        real: n rows.
        columns: that count.

    Returns:
        A function that turns rows of the same columns, [m], into points, [m, d].
    """
    encoders = [(name, _encoder(real[name])) for name in columns]

    def points(frame: pl.DataFrame) -> Points:
        parts = [part for name, encode in encoders for part in encode(frame[name])]
        return np.stack(parts, axis=1).astype(np.float32)

    return points


def _encoder(real: pl.Series) -> Encode:
    return _quantiles(real) if kinds.is_number(real.dtype) else _one_hot(real)


def _quantiles(real: pl.Series) -> Encode:
    """Scale numbers to the share of real ones below them; ties to the middle of their shares."""
    known = kinds.numbers(real)
    known = np.sort(known[np.isfinite(known)])
    values = np.unique(known) if len(known) else np.zeros(1)
    values = values[np.unique(np.linspace(0, len(values) - 1, KNOTS).astype(int))]
    ends = [np.searchsorted(known, values, side=side) for side in ("left", "right")]
    shares = (ends[0] + ends[1]) / (2 * max(len(known), 1))
    width = float(np.ptp(values)) or 1.0

    def encode(column: pl.Series) -> list[NDArray[np.float64]]:
        given = kinds.numbers(column)
        missing = np.isnan(given)
        filled = np.where(missing, values[0], given)
        below, above = (values[0] - filled) / width, (filled - values[-1]) / width
        outside = np.clip(above, 0, BEYOND) - np.clip(below, 0, BEYOND)
        scaled = np.interp(filled, values, shares) + outside
        return [np.where(missing, MIDDLE, scaled), missing * APART]

    return encode


def _one_hot(real: pl.Series) -> Encode:
    """Give each frequent category a column, one to all others, and one to null."""
    counts = real.cast(pl.String).drop_nulls().value_counts().sort(
        ["count", real.name], descending=[True, False]
    )  # fmt: skip
    frequent = counts.filter(pl.col("count") >= RARE * len(real)).head(LEVELS)[real.name]

    def encode(column: pl.Series) -> list[NDArray[np.float64]]:
        texts = column.cast(pl.String)
        is_known = texts.is_in(frequent.implode()).fill_null(value=False)
        parts = [(texts == level).fill_null(value=False) for level in frequent]
        parts += [~is_known & texts.is_not_null(), texts.is_null()]
        return [part.to_numpy().astype(np.float64) * APART for part in parts]

    return encode
