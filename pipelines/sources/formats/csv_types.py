"""The types of the columns of a CSV file, which says nothing about them itself.

A column becomes one of numbers, booleans, dates or times only if every value of it is written as
such. "007" is none, nor is a whole number that the type would round: these stay texts.
An empty field is null. Where all other values of a column are of one such type, the usual words for
a missing value are null as well, and they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

MISSING: Final = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Words for a missing value in a column of numbers, booleans, dates or times."""
WHOLE: Final = r"^(?:0|-?[1-9]\d{0,17})$"
NUMBER: Final = r"^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d+)?$"
BOOLEAN: Final = r"^(?:true|false|True|False|TRUE|FALSE)$"
DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
TIME: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?$"


def typed(texts: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Give columns of texts the types that all their values have.

    Args:
        texts: n rows, String columns; null where a field is empty.

    Returns:
        The same rows and columns, each Int64, Float64, Boolean, Date, Datetime or String; and how
        many words for a missing value became null, by column.
    """
    columns, missing = [], {}
    for column in texts.get_columns():
        plain = column.set(column.is_in(MISSING).fill_null(value=False), None)
        converted = _converted(plain)
        columns.append(column if converted is None else converted)
        lost = plain.null_count() - column.null_count()
        if converted is not None and lost:
            missing[column.name] = lost
    return pl.DataFrame(columns), missing


def _converted(column: pl.Series) -> pl.Series | None:
    """Convert a column to the first type that all its values have; None if they have none."""
    values = column.drop_nulls()
    if values.is_empty():
        return None
    for pattern, convert in CONVERSIONS.items():
        if values.str.contains(pattern).all():
            converted = column.to_frame().select(convert(pl.col(column.name))).to_series()
            return converted if converted.null_count() == column.null_count() else None
    return None


def _number(column: pl.Expr) -> pl.Expr:
    number = column.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


CONVERSIONS: Final[Mapping[str, Callable[[pl.Expr], pl.Expr]]] = {
    WHOLE: lambda column: column.cast(pl.Int64, strict=False),
    NUMBER: _number,
    BOOLEAN: lambda column: column.str.to_lowercase() == "true",
    DATE: lambda column: column.str.to_date("%Y-%m-%d", strict=False),
    TIME: lambda column: column.str.replace("T", " ", literal=True).str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False
    ),
}
"""How columns are converted, by the pattern that all their values match; the first one counts."""
