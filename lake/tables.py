"""Tables in a lake: Parquet parts as one lazy Polars frame, by the shortest way to their bytes.

Polars takes a while to import, so it is imported where it is used.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lake import files
from lake.errors import CorruptError, InvalidError
from lake.values import ObjectInfo

if TYPE_CHECKING:
    import polars as pl

SUFFIX: Final = ".parquet"
CONTENT_TYPE: Final = "application/vnd.apache.parquet"


def in_place(found: Sequence[ObjectInfo], home: Path | None) -> list[str] | None:
    """The files behind objects of an embedded lake, if all are whole and within our reach."""
    if home is None:
        return None
    try:
        places = [files.address(item.address, home) for item in found]
    except InvalidError:
        return None
    whole = (_is_whole(place, item.size) for item, place in zip(found, places, strict=True))
    return [str(place) for place in places] if all(whole) else None


def scan(places: Sequence[str], options: Mapping[str, str] | None = None) -> pl.LazyFrame:
    """Scan files, or addresses in a store that takes these options."""
    import polars as pl  # noqa: PLC0415  slow to import

    return pl.scan_parquet(
        list(places), glob=False, storage_options=dict(options) if options else None
    )


def decode(parts: Iterable[bytes]) -> pl.LazyFrame:
    """Read parts that are at hand as bytes.

    Raises:
        CorruptError: one is no Parquet file, or they are not of one table.
    """
    import polars as pl  # noqa: PLC0415  slow to import

    try:
        return pl.concat([pl.read_parquet(io.BytesIO(part)) for part in parts]).lazy()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = (str(error).splitlines() or ["no reason given"])[0]
        raise CorruptError(f"the parts of a table cannot be read: {said}") from error


def encode(frame: pl.DataFrame) -> bytes:
    """A frame as the bytes of one Parquet file."""
    buffer = io.BytesIO()  # Polars writing a file itself reports a full disk as bad input
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _is_whole(place: Path, size: int) -> bool:
    try:
        found = place.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size
