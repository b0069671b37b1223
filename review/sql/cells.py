"""Values of a result as people read them: bytes in hex, and what is long cut short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from review.cli.output import number

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST: Final = 200
"""Characters of a cell that are shown."""
HEX: Final = 32
"""Bytes up to which a value is shown in hex; of longer ones their number is."""


def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[list[Any]]:
    """Yield the values of each row; columns may share a name."""
    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))


def cell(value: object) -> str:
    """Show a value in a cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value, 6).rstrip("0").rstrip(".") if math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else str(plain(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def plain(value: object) -> object:
    """The value with its bytes as texts: in hex, or, where they are many, their number."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= HEX else f"{len(value):,} bytes"
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
