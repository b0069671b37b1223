"""Where a process listens, written down so that it counts only while that process lives.

A server writes its address into a file, and keeps that very file open and locked (`flock`) for as
long as it listens. The lock goes with the process, however it ends, so whoever reads the file can
tell whether its writer still listens there: a free lock means that the address is stale, and that
whoever listens there now is somebody else, who must be sent nothing, least of all a key. The lock
belongs to the file's inode: a copy of the file, or the next server's file, does not share it.
A shared lock is how a reader tests for it, which is why `filelock` does not serve here.

Only the standard library is needed here.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from lake import documents, private

MAX_CHARACTERS: Final = 1 << 16
"""Characters of an announcement that are read."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A file that says where this process listens, for as long as it is open."""

    _path: Path
    _file: IO[str]

    def withdraw(self) -> None:
        """Remove the file before the process stops listening; another process's file stays."""
        if self._file.closed:
            return
        with suppress(OSError):
            if os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                self._path.unlink()
        self._file.close()


def announce(path: Path, content: Mapping[str, Any]) -> Announcement:
    """Write an announcement in one step, in place of an earlier one.

    Raises:
        OSError: The file cannot be written.
    """
    draft = private.draft(path)
    try:
        private.create(draft, json.dumps(content))
        file = draft.open("r+", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return Announcement(path, file)


def read(path: Path, *, held: bool) -> dict[str, Any] | None:
    """Return the content of an announcement; None where there is none or it is damaged.

    Args:
        path: The file.
        held: Whether its writer must be alive; otherwise what a dead process left counts too.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if held and not _is_held(file):
                return None
            content = documents.parse_json(file.read(MAX_CHARACTERS), strict=False)
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _is_held(file: IO[str]) -> bool:
    """Tell whether the process that announced itself by this file still has it open."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
