"""Rows between two rows, column by column, with values that the column can have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

DIGITS: Final = 12
"""Most digits behind the point to which a column of floats is taken to be rounded."""

Shares = NDArray[np.float64]


def rows(
    left: pl.DataFrame,
    right: pl.DataFrame,
    share: Shares,
    known: pl.DataFrame,
    draw: np.random.Generator,
) -> pl.DataFrame:
    """Mix two frames row by row.

    Args:
        left: n rows.
        right: n rows of the same columns.
        share: [n] of the right row, in [0, 1].
        known: rows whose values whole numbers have, and whose digits and steps the others have.
        draw: of categories, and of values that only one side has.

    Returns:
        n rows of the types of `known`.
    """
    return pl.DataFrame(
        [_column(left[each], right[each], share, known[each], draw) for each in known.columns]
    )


def _column(
    left: pl.Series, right: pl.Series, share: Shares, known: pl.Series, draw: np.random.Generator
) -> pl.Series:
    from_right = pl.Series(draw.random(len(left)) < share)
    one = right.zip_with(from_right, left)
    if not (known.dtype.is_numeric() or known.dtype.is_temporal()):
        return one
    both = (left.is_not_null() & right.is_not_null()).to_numpy()
    mixed = one.to_list()
    values = _floats if known.dtype.is_float() else _units
    inside = values(left.filter(both), right.filter(both), share[both], known.drop_nulls())
    for at, value in zip(np.flatnonzero(both), inside, strict=True):
        mixed[at] = value
    return pl.Series(known.name, mixed, dtype=known.dtype)


def _floats(left: pl.Series, right: pl.Series, share: Shares, known: pl.Series) -> list[Any]:
    """Return floats between those of two columns without null, with the digits of their column."""
    ends = [each.cast(pl.Float64).to_numpy() for each in (left, right)]
    values = ends[0] + share * (ends[1] - ends[0])
    digits = _digits(known.cast(pl.Float64).to_numpy())
    return list((values if digits is None else np.round(values, digits)).tolist())


def _units(left: pl.Series, right: pl.Series, share: Shares, known: pl.Series) -> list[Any]:
    """Return whole numbers, decimals or times between two: in units from the least of all on.

    A whole number is one that the column has; others are at a whole number of its steps.
    """
    if known.is_empty():
        return []
    units = [each.to_physical().cast(pl.Int64).to_numpy() for each in (left, right, known)]
    least = units[2].min()
    *ends, there = (each - least for each in units)
    values = ends[0] + share * (ends[1] - ends[0])
    if known.dtype.is_integer():
        found = nearest(values, np.unique(there).astype(np.float64))
    else:
        step = int(np.gcd.reduce(there)) or 1
        found = np.round(values / step) * step
    physical = found.astype(np.int64) + least
    if isinstance(known.dtype, pl.Decimal):
        scale = known.dtype.scale
        return [Decimal(int(each)).scaleb(-scale) for each in physical]
    return pl.Series(physical).cast(known.to_physical().dtype).cast(known.dtype).to_list()


def _digits(values: NDArray[np.float64]) -> int | None:
    """Return the digits behind the point that all values have; None if these are too many."""
    for digits in range(DIGITS + 1):
        if np.array_equal(np.round(values, digits), values):
            return digits
    return None


def nearest(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest of the known values, which are sorted, to each value."""
    at = np.searchsorted(known, values).clip(1, max(len(known) - 1, 1))
    low, high = known[at - 1], known[at.clip(max=len(known) - 1)]
    return np.asarray(np.where(values - low <= high - values, low, high))
