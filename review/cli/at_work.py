"""Which commands are at work in a project, so that nothing is removed that one of them uses.

Every command holds the project's folder together with the others while it runs, and `stemma clean`
removes nothing unless it holds it alone. A lock of a folder writes nothing, and ends with its
process, however that ends (flock(2)).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from review.errors import AtWorkError

PROJECT: Final = Path("params.yaml")
"""The file that every project has."""


@contextmanager
def together() -> Iterator[None]:
    """Hold the project of this directory together with other commands.

    One that is being cleaned is waited for. Where there is no project, or its folder cannot be
    locked, nothing is held.
    """
    handle = None
    if PROJECT.is_file():
        with suppress(OSError):
            handle = _opened()
            fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the project of this directory while no other command does.

    Raises:
        AtWorkError: another command is at work in it, or it cannot be known.
    """
    handle = _opened()
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AtWorkError(
                "another command of stemma is at work in this project; nothing was removed: clean "
                "when it has ended"
            ) from None
        except OSError as error:
            raise AtWorkError(
                "it cannot be known whether another command is at work in this project, because "
                f"its folder cannot be locked ({error.strerror}); nothing was removed from it"
            ) from error
        yield
    finally:
        os.close(handle)


def _opened() -> int:
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
