"""Files that somebody still writes to: their bytes would change after they were hashed.

A client writes into a slot, closes the file and links it. Where it, or a process that it left
behind, has the file still open for writing, the object could change under its name later. Linux
grants a lease to read only on a file that nobody has open for writing, so asking for one tells; on
file systems without leases, only a change while the bytes are hashed is noticed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lake import polling
from lake.errors import InvalidError

_WAIT_SECONDS: Final = 1.0
"""How long a writer may take to end: a process that is just being started holds files for a moment
that its parent has closed."""
_POLL_SECONDS: Final = 0.02


@contextmanager
def none_expected(path: Path, name: str) -> Iterator[None]:
    """Hash a file inside: nobody may write to it meanwhile, nor be able to when that is done.

    Args:
        path: the file.
        name: what it is called in the message.

    Raises:
        InvalidError: it was written to, or is still open for writing.
    """
    before = _state(path)
    yield
    if _is_open(path) and not polling.until(
        lambda: not _is_open(path), interval=_POLL_SECONDS, timeout=_WAIT_SECONDS
    ):
        raise InvalidError(f"{name} is still open for writing: close the file, then link it")
    if _state(path) != before:
        raise InvalidError(f"{name} was written to while it was hashed: link it when it is whole")


def _state(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _is_open(path: Path) -> bool:
    """Whether some process has a file open for writing; False where that cannot be told."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Who opens the file in this moment breaks the lease; the signal that says so is ignored.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False
