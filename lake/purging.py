"""Ask the process that serves an embedded lake to purge objects; it is started if need be.

A purged object is read no more in any version: each holds the cleaned object in its place, and a
tombstone says so. lakeFS has no such call.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lake import administration, private
from lake.errors import BusyError, FullError, UnreachableError
from lake.values import Purged

PATH: Final = "/api/v1/_stemma/purge"
COUNTS: Final = ("id", "objects", "object_bytes", "uploads")
LOCK: Final = "purge.lock"
"""File of a folder that is locked while one process purges."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An object by the SHA-256 of its bytes (hex), and its bytes without the rows that must go."""

    sha256: str
    file: Path
    """The file with the bytes, one of the lake's staging area, which takes it over."""
    rows: int
    """How many rows are left out; 0 where the object is no table."""


def purge(home: Path, take_down: str, statement: str, cleaned: Iterable[Cleaned]) -> Purged:
    """Purge objects of an embedded lake, in one step: all of them, or none.

    Args:
        home: the lake's directory.
        take_down: name of the take-down, which every tombstone and message quotes.
        statement: a text that is kept with the tombstones.
        cleaned: the objects, with files that `drafts` of this lake keeps.

    Raises:
        NotFoundError: there is no lake, or an object is not there.
        InvalidError: a file is not in the lake's staging area.
        LakeError: the lake cannot be served, or refuses.
    """
    remote = administration.serving(home)
    replacements = [
        {"sha256": item.sha256, "file": item.file.name, "rows": item.rows} for item in cleaned
    ]
    body = {"take_down": take_down, "statement": statement, "replacements": replacements}
    counts = administration.post(remote, PATH, body, "purge objects")
    if not isinstance(counts, dict) or not all(type(counts.get(name)) is int for name in COUNTS):
        raise UnreachableError(f"what answers at {remote.endpoint} is no lake: it counts nothing")
    return Purged(*(counts[name] for name in COUNTS))


@dataclass(slots=True)
class Drafts:
    """Files of a folder that hold cleaned bytes until they are taken over."""

    folder: Path
    _files: list[Path] = field(default_factory=list)

    def keep(self, data: bytes) -> Path:
        """Write a file for its owner only.

        Raises:
            FullError: there is no room.
        """
        path = self.folder / f"purge-{secrets.token_hex(16)}"
        self._files.append(path)
        try:
            private.touch(path)
            path.write_bytes(data)
        except OSError as error:
            raise FullError(f"{self.folder} cannot be written: {error.strerror}") from error
        return path

    def drop(self) -> None:
        """Remove the files that nobody has taken over."""
        for path in self._files:
            with suppress(OSError):
                path.unlink(missing_ok=True)


@contextmanager
def drafts(folder: Path) -> Iterator[Drafts]:
    """Keep cleaned bytes in a folder, and remove those that are left.

    What a killed process leaves in the staging area of a lake, the next purge or start of its
    server removes.
    """
    kept = Drafts(folder)
    try:
        yield kept
    finally:
        kept.drop()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from purging what a folder stands for at the same time.

    Args:
        folder: the directory of a lake, or the private one of a project.

    Raises:
        BusyError: one does.
        FullError: the folder cannot be written.
    """
    import filelock  # noqa: PLC0415  few commands need it

    path = folder / LOCK
    try:
        private.folder(folder)
        private.touch(path)
        lock = filelock.FileLock(path, timeout=0, mode=private.FILE_MODE)
        lock.acquire()
    except filelock.Timeout as error:
        raise BusyError(
            "another process purges this lake already: run the command again when it has ended"
        ) from error
    except OSError as error:
        raise FullError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
