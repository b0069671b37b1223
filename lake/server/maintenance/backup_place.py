"""Where a backup lies: a directory that is nothing else, and that one process writes to at once."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lake import keys
from lake.errors import BusyError, InvalidError
from lake.home import LakeHome

KEPT: Final = ("identity.json", "credentials.json", keys.FILE)
"""What a backup has of a lake beside its catalogue and objects; it is copied first."""
_DRAFT: Final = re.compile(r"\..+\.\d+\.[0-9a-f]{8}(-journal)?")
"""What `private.draft` calls a file that does not have its own name yet."""


def of(home: LakeHome, target: Path) -> LakeHome:
    """The directory of a backup of a lake.

    Args:
        home: the lake.
        target: a new directory, an empty one, or a backup of the same lake.

    Raises:
        InvalidError: it is anything else: what lies there would be lost.
    """
    backup, inside = LakeHome(target.absolute()), home.path.resolve()
    if any(path.resolve().is_relative_to(inside) for path in (backup.path, backup.objects)):
        raise InvalidError(f"{target} lies in the lake itself: name a directory elsewhere")
    if os.path.lexists(target) and not target.is_dir():
        raise InvalidError(f"{target} is no directory: name a new one, or a backup")
    names = {path.name for path in target.iterdir()} if target.is_dir() else set()
    if all(_DRAFT.fullmatch(name) for name in names):
        return backup
    if KEPT[0] not in names:
        raise InvalidError(f"{target} holds something else: name a new directory, or a backup")
    if names & {backup.lock.name, backup.staging.name}:
        raise InvalidError(f"{target} is a lake that was served, and no backup: name another one")
    if backup.identity().id != home.identity().id:
        raise InvalidError(f"{target} is the backup of another lake")
    return backup


@contextmanager
def alone(backup: LakeHome) -> Iterator[None]:
    """Let no other process write to a backup meanwhile, where its file system can lock a directory.

    Raises:
        BusyError: one does.
    """
    handle = os.open(backup.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(f"another process writes the backup in {backup.path}") from error
        yield
    finally:
        os.close(handle)


def remove_drafts(home: LakeHome) -> None:
    """Remove what a copy that was killed left; no other copy may be under way."""
    for path in (*home.path.glob(f".{home.catalog.name}.*"), *home.objects.glob("??/.*")):
        if _DRAFT.fullmatch(path.name):
            path.unlink()
