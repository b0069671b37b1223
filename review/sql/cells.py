"""Values of a result as people read them: bytes in hex, and what is long cut short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from review.cli.output import number
from review.errors import QueryRefusedError

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST: Final = 200
"""Characters of a cell that are shown."""
HEX: Final = 32
"""Bytes up to which a value is shown in hex; of longer ones their number is."""
SMALL: Final = 1e-3
"""Smallest magnitude of a number that is shown without a power of ten."""
LARGE: Final = 1e15
"""Magnitude from which a number is shown with a power of ten."""


def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[list[Any]]:
    """Yield the values of each row; columns may share a name.

    Raises:
        QueryRefusedError: a date or time is none that Python knows.
    """
    for batch in batches:
        try:
            columns = [column.to_pylist() for column in batch.columns]
        except (OverflowError, ValueError) as error:
            raise QueryRefusedError(
                "a date of the result is beyond the years 1 to 9999: select it as CAST(… AS "
                "VARCHAR)"
            ) from error
        yield from map(list, zip(*columns, strict=True))


def cell(value: object) -> str:
    """Show a value in a cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    text = value if isinstance(value, str) else str(plain(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _float(value: float) -> str:
    if math.isfinite(value) and (value == 0 or SMALL <= abs(value) < LARGE):
        return number(value, 6).rstrip("0").rstrip(".")
    return f"{value:.6g}"


def plain(value: object) -> object:
    """The value with its bytes as texts: in hex, or, where they are many, their number."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= HEX else f"{len(value):,} bytes"
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
