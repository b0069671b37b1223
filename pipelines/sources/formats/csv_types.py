"""The types of the columns of a CSV file, which says nothing about them itself.

A column becomes one of numbers, booleans, dates or times only if every value of it is written as
such. "007" is none, nor is a whole number that the type would round: these stay texts.
An empty field is null. Where all other values of a column are of one such type, the usual words for
a missing value are null as well, and they are counted. So they are in a column of categories: one
with few different values. Free texts keep such words, categories keep "None", and codes of two
capital letters keep "NA", which is Namibia's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

MISSING: Final = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Words for a missing value in a column of numbers, booleans, dates or times."""
WORDS: Final = ("NA", "N/A", "NaN", "nan", "null", "NULL")
"""Words for a missing value among categories."""
CATEGORIES: Final = 0.2
"""Share of different values up to which a column of texts is one of categories."""
CODE: Final = r"^[A-Z]{2}$"
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
        converted = _converted(_without(column, MISSING))
        if converted is None:
            converted = _categories(column)
        columns.append(converted)
        if lost := converted.null_count() - column.null_count():
            missing[column.name] = lost
    return pl.DataFrame(columns), missing


def _without(column: pl.Series, words: Sequence[str]) -> pl.Series:
    """Make words for a missing value null."""
    return column.set(column.is_in(words).fill_null(value=False), None)


def _categories(column: pl.Series) -> pl.Series:
    """Make words for a missing value among categories null; other columns stay as they are."""
    plain = _without(column, WORDS)
    values = plain.drop_nulls()
    few = 1 < values.n_unique() <= CATEGORIES * len(values)
    return column if not few or values.str.contains(CODE).all() else plain


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
