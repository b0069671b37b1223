"""Tables in a lake: Parquet parts as one lazy Polars frame, by the shortest way to their bytes.

Polars takes a while to import, so it is imported where it is used.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lake import files, panics
from lake.errors import CorruptError, InvalidError
from lake.values import ObjectInfo

if TYPE_CHECKING:
    import polars as pl

SUFFIX: Final = ".parquet"
CONTENT_TYPE: Final = "application/vnd.apache.parquet"


def paths_in_place(parts: Sequence[ObjectInfo], home: Path | None) -> list[str] | None:
    """Paths of the files behind objects of an embedded lake, if all are here and whole."""
    if home is None:
        return None
    try:
        paths = [files.address_path(item.address, home) for item in parts]
    except InvalidError:
        return None
    whole = (_has_size(path, item.size) for item, path in zip(parts, paths, strict=True))
    return [str(path) for path in paths] if all(whole) else None


def scan(paths: Sequence[str], options: Mapping[str, str] | None = None) -> pl.LazyFrame:
    """Scan files, or addresses in a store that takes these options."""
    import polars as pl  # noqa: PLC0415  slow to import

    return pl.scan_parquet(
        list(paths), glob=False, storage_options=dict(options) if options else None
    )


def decode(parts: Iterable[bytes]) -> pl.LazyFrame:
    """Read parts that are in memory.

    Raises:
        CorruptError: one is not a Parquet file, or they are not of one table.
    """
    import polars as pl  # noqa: PLC0415  slow to import

    try:
        return pl.concat([_decoded(part) for part in parts]).lazy()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise CorruptError(f"the parts of a table cannot be read: {reason}") from error


def _decoded(part: bytes) -> pl.DataFrame:
    """Decode one part; a damaged one raises, and prints nothing."""
    import polars as pl  # noqa: PLC0415  slow to import

    with panics.unsaid():
        return pl.read_parquet(io.BytesIO(part))


def encode(frame: pl.DataFrame) -> bytes:
    """A frame as the bytes of one Parquet file."""
    buffer = io.BytesIO()  # Polars writing a file itself reports a full disk as bad input
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _has_size(path: Path, size: int) -> bool:
    """Whether there is a regular file of this size in bytes."""
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size
