"""Rows of a simulator as columns of the data set, each value in the type that real rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl

from lineage.schema import UNREADABLE
from pipelines.common.errors import GeneratorError
from pipelines.common.settings import nearest
from pipelines.features import images

SHOWN: Final = 60
"""Characters of a wrong value that are quoted."""
PIXELS: Final = "images, which are arrays of uint8 [h, w] or [h, w, 3], or the bytes of a file,"
UNTYPED: Final = (TypeError, ValueError, OverflowError, images.ImageError, *UNREADABLE)
"""What values of a wrong type raise; ValueError is also that of a text that is no Unicode."""


def table(
    made: Sequence[Mapping[str, Any]],
    start: int,
    columns: pl.Schema,
    required: Sequence[str],
    reference: str,
) -> pl.DataFrame:
    """Build a table of rows.

    Args:
        made: values by column, [n].
        start: number of the first row, for messages.
        columns: of the real rows: content, answers and kept columns.
        required: those that each row must have.
        reference: of the simulator, for messages.

    Returns:
        [n]; a kept column that no row has is left out.

    Raises:
        GeneratorError: a column is missing or unknown, or a value is of another type.
    """
    for number, row in enumerate(made, start):
        where = f"the simulator {reference!r}, row {number}"
        missing = [name for name in required if name not in row]
        if missing:
            raise GeneratorError(f"{where}: there is no {missing[0]!r}, which the data set has")
        for unknown in (name for name in row if name not in columns):
            near = nearest(str(unknown), columns)
            raise GeneratorError(f"{where}: the data set has no column {_shown(unknown)}{near}")
    given = [name for name in columns if any(name in row for row in made)]
    return pl.DataFrame(
        [
            _column(name, columns[name], [row.get(name) for row in made], start, reference)
            for name in given
        ]
    )


def _column(
    name: str, dtype: pl.DataType, values: list[Any], start: int, reference: str
) -> pl.Series:
    try:
        return _typed(name, values, dtype)
    except UNTYPED as error:
        at = next((at for at, value in enumerate(values) if not _fits(value, dtype)), 0)
        raise GeneratorError(
            f"the simulator {reference!r}, row {start + at}: column {name!r} is "
            f"{_shown(values[at])}, and real rows hold {_kind(dtype)} there"
        ) from error


def _typed(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    """Make a column; where real rows hold numbers, texts that are numbers become such.

    Raises:
        TypeError: Polars would make a column of another type, as of times with a zone.
    """
    if dtype == images.IMAGE:
        return pl.Series(name, [_image(value) for value in values], dtype=dtype, strict=True)
    if dtype.is_numeric() and all(value is None or isinstance(value, str) for value in values):
        return pl.Series(name, values, dtype=pl.String).cast(dtype, strict=True)
    made = pl.Series(name, values, dtype=dtype, strict=True)
    if made.dtype != dtype or any(_is_other_time(value, dtype) for value in values):
        raise TypeError(made.dtype)
    return made


def _is_other_time(value: Any, dtype: pl.DataType) -> bool:  # noqa: ANN401  a value of any type
    """Whether Polars would take a bare number for a time, or drop or add a zone."""
    if not dtype.is_temporal():
        return False
    zone = getattr(dtype, "time_zone", None)
    return isinstance(value, int) or (
        isinstance(value, datetime) and (value.tzinfo is None) != (zone is None)
    )


def _fits(value: Any, dtype: pl.DataType) -> bool:  # noqa: ANN401  a value of any type
    try:
        _typed("", [value], dtype)
    except UNTYPED:
        return False
    return True


def _image(value: Any) -> dict[str, Any] | None:  # noqa: ANN401  a value of any type
    """Turn pixels, or the bytes of an image file, into what a data set stores."""
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        image: dict[str, Any] = images.column(value[None])[0]
        return image
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    raise TypeError(type(value))


def _kind(dtype: pl.DataType) -> str:
    return PIXELS if dtype == images.IMAGE else str(dtype)


def _shown(value: Any) -> str:  # noqa: ANN401  a value of any type
    """Quote the beginning of a value on one line; of an array its shape and type."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return " ".join(repr(value)[:SHOWN].split())
