"""Forcing bytes and names to disk, and what the disk refuses as errors of this package."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, Final

from lake.errors import FullError
from lake.server import failpoints
from lake.server.failpoints import Failpoint

_NOT_WRITABLE: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}
)


@contextmanager
def disk_errors_translated() -> Iterator[None]:
    """Turn a full or read-only disk into an error of this package.

    Raises:
        FullError: the disk is full or cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_WRITABLE:
            raise FullError(f"the lake cannot be written: {error.strerror}") from error
        raise


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write bytes to a file without a buffer, which may take them in parts."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def flush_file(file: BinaryIO | RawIOBase) -> None:
    """Force the bytes of an open file to disk."""
    file.flush()
    os.fsync(file.fileno())
    failpoints.hit(Failpoint.UPLOAD_FLUSHED)


def flush_directory(directory: Path) -> None:
    """Force the entries of a directory to disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
