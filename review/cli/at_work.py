"""Which commands are at work in a project, so that nothing is removed that one of them uses.

Every command holds `.stemma/at_work` together with the others while it runs, and `stemma clean`
removes nothing unless it holds the file alone. A lock ends with its process, however that ends
(flock(2)).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lake import private
from review.errors import AtWorkError

FILE: Final = Path(".stemma") / "at_work"
PROJECT: Final = Path("params.yaml")
"""The file that every project has."""


@contextmanager
def together() -> Iterator[None]:
    """Hold the project of this directory together with other commands.

    One that is being cleaned is waited for. Where there is no project, or its folder cannot be
    written, nothing is held.
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
        AtWorkError: another command is at work in it.
        OSError: its folder cannot be written.
    """
    handle = _opened()
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AtWorkError(
                "another command of stemma is at work in this project; nothing was removed from "
                "its folders: clean when it has ended"
            ) from None
        yield
    finally:
        os.close(handle)


def _opened() -> int:
    private.folder(FILE.parent)
    return os.open(FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private.FILE_MODE)
