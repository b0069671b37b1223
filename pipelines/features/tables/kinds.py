"""Columns of a table by kind: numbers and times are ordered, everything else is a category.

A number is an integer, a float or a decimal; a time is a date, a time of day, a time stamp or a
duration, and counts as seconds. Booleans and texts are categories. Null is a value of its own: it
equals null alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
SCALES: Final[Mapping[str, float]] = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds of the units in which Polars counts time."""
DAY: Final = 86_400.0
"""Seconds of a day."""
EDGES: Final = (0.01, 0.99)
"""Quantiles between which a column is as wide as it counts."""


def is_number(dtype: pl.DataType) -> bool:
    """Tell whether values of a column are ordered and have distances: numbers and times."""
    return dtype.is_numeric() or dtype.is_temporal()


def is_category(dtype: pl.DataType) -> bool:
    """Tell whether values of a column are names or truth values."""
    return dtype in (pl.String, pl.Boolean, pl.Categorical) or isinstance(dtype, pl.Enum)


def numbers(column: pl.Series) -> Numbers:
    """Read a column of numbers or times as floats, [n]: times in seconds, null as NaN."""
    dtype = column.dtype
    if not dtype.is_temporal():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    unit = str(getattr(dtype, "time_unit", "ns"))
    scale = DAY if dtype == pl.Date else SCALES.get(unit, SCALES["ns"])
    return column.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy() * scale


def width(values: Numbers) -> float:
    """Return how wide a column is: between its outer percentiles, else its whole range, else 1."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 1.0
    low, high = np.quantile(known, EDGES)
    return float(high - low) or float(np.ptp(known)) or 1.0


def categories(column: pl.Series) -> NDArray[Any]:
    """Read a column of categories as texts, [n] of objects; null as None."""
    return np.asarray(column.cast(pl.String).to_list(), dtype=object)


def records(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.void]:
    """Read rows as records, [n]: a field for each column, a float or a text (an object).

    Args:
        frame: n rows.
        columns: of numbers, times or categories.
    """
    fields = [(name, "f8" if is_number(frame.schema[name]) else "O") for name in columns]
    rows = np.empty(len(frame), dtype=fields)
    for (name, kind), field in zip(fields, rows.dtype.names or (), strict=True):
        rows[field] = numbers(frame[name]) if kind == "f8" else categories(frame[name])
    return rows


def is_ordered(rows: NDArray[np.void], field: str) -> bool:
    """Tell whether a field of records holds numbers."""
    return bool(rows.dtype[field].kind == "f")
