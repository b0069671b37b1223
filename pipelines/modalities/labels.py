"""Labels of real data: whole numbers or names, which stay what they are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.schema import SHOWN, UNREADABLE
from pipelines.common.errors import DataError

WHOLE: Final = r"^(0|-?[1-9][0-9]*)$"
"""A whole number as it is written: without a sign of its own, leading zeros or a point."""
LABEL: Final = "label"
NONE: Final = ""
"""What stands for the label of a row where a data set has none."""
NAMED: Final = 5
"""Rows that a sentence names."""


def typed(source: str, labels: pl.Series) -> pl.Series:
    """Give labels the type that the lake stores: int64 for whole numbers, else texts.

    Numbers must be whole. Texts that all are whole numbers are numbers, as the names of class
    folders are; any other texts are names, `true` and `false` too.

    Args:
        source: Name of the source, for errors.
        labels: One for each row.

    Raises:
        DataError: A row has no label, or a number that is not whole, or the labels are neither
            numbers nor texts.
    """
    _refuse(source, labels.is_null(), "no label")
    try:
        return _numbers(source, labels) if labels.dtype.is_numeric() else _names(source, labels)
    except UNREADABLE as error:
        raise DataError(
            f"{source}: column {labels.name!r} is {str(labels.dtype)[:SHOWN]}; it must hold whole "
            "numbers of 64 bits or texts"
        ) from error


def _numbers(source: str, labels: pl.Series) -> pl.Series:
    if not labels.dtype.is_integer():
        values = labels.cast(pl.Float64)
        is_whole = values.is_finite() & (values == values.floor())
        _refuse(source, ~is_whole, "a label that is no whole number")
    return labels.cast(pl.Int64)


def _names(source: str, labels: pl.Series) -> pl.Series:
    if labels.dtype.is_nested() or labels.dtype in {pl.Binary, pl.Object}:
        raise pl.exceptions.InvalidOperationError("such values are no labels")
    names = labels.cast(pl.String)
    _refuse(source, names.str.strip_chars() == "", "a label without a visible character")
    numbers = names.cast(pl.Int64, strict=False)
    are_numbers = names.str.contains(WHOLE).all() and not numbers.null_count()
    return numbers if are_numbers else names


def array(frame: pl.DataFrame) -> NDArray[Any]:
    """Return the labels of rows, [n]: int64, texts, or `NONE` where there is no such column."""
    if LABEL not in frame.columns:
        return np.full(len(frame), NONE, dtype=object)
    return frame[LABEL].to_numpy()


def _refuse(source: str, at_fault: pl.Series, what: str) -> None:
    """Refuse labels of some rows, by their numbers.

    Raises:
        DataError: There are such rows.
    """
    rows = at_fault.arg_true().to_list()
    if not rows:
        return
    named = ", ".join(map(str, rows[:NAMED]))
    more = f" and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    noun, verb = ("row", "has") if len(rows) == 1 else ("rows", "have")
    raise DataError(f"{source}: {noun} {named}{more} {verb} {what}")
