"""Rows of a simulator as columns of the data set, each value in the type that real rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from lineage.schema import UNREADABLE
from pipelines.common.errors import GeneratorError
from pipelines.common.settings import nearest
from pipelines.features import images

SHOWN: Final = 60
"""Characters of a wrong value that are quoted."""


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
        unknown = next((name for name in row if name not in columns), None)
        if unknown is not None:
            near = nearest(str(unknown), columns)
            raise GeneratorError(f"{where}: the data set has no column {unknown!r}{near}")
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
    if dtype == images.IMAGE:
        values = [_image(value) for value in values]
    try:
        return _typed(name, values, dtype)
    except (TypeError, OverflowError, *UNREADABLE) as error:
        at = next((at for at, value in enumerate(values) if not _fits(value, dtype)), 0)
        shown = repr(values[at])[:SHOWN]
        raise GeneratorError(
            f"the simulator {reference!r}, row {start + at}: column {name!r} is {shown}, and real "
            f"rows hold {dtype} there"
        ) from error


def _typed(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    """Make a column; where real rows hold numbers, texts that are numbers become such."""
    if dtype.is_numeric() and all(value is None or isinstance(value, str) for value in values):
        return pl.Series(name, values, dtype=pl.String).cast(dtype, strict=True)
    return pl.Series(name, values, dtype=dtype, strict=True)


def _fits(value: Any, dtype: pl.DataType) -> bool:  # noqa: ANN401  a value of any type
    try:
        _typed("", [value], dtype)
    except (TypeError, OverflowError, *UNREADABLE):
        return False
    return True


def _image(value: Any) -> Any:  # noqa: ANN401  a value of any type
    """Turn pixels, or the bytes of an image file, into what a data set stores."""
    if isinstance(value, np.ndarray):
        return images.column(value[None])[0]
    return {"bytes": value, "path": None} if isinstance(value, bytes) else value
