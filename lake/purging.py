"""Ask the process that serves an embedded lake to purge objects; it is started if need be.

A purged object is read no more in any version: each holds the cleaned object in its place, and a
tombstone says so. lakeFS has no such call.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import administration, private
from lake.errors import FullError, UnreachableError
from lake.home import LakeHome

PATH: Final = "/api/v1/_stemma/purge"
COUNTS: Final = ("id", "objects", "object_bytes", "uploads")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An object by the SHA-256 of its bytes (hex), and its bytes without the rows that must go."""

    sha256: str
    data: bytes
    rows: int
    """How many rows are left out; 0 where the object is no table."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: its number, purged objects and their bytes, and uploads that it ended."""

    id: int
    objects: int
    object_bytes: int
    uploads: int


def purge(home: Path, take_down: str, statement: str, cleaned: Iterable[Cleaned]) -> Purged:
    """Purge objects of an embedded lake, in one step: all of them, or none.

    Args:
        home: the lake's directory.
        take_down: name of the take-down, which every tombstone and message quotes.
        statement: a text that is kept with the tombstones.
        cleaned: the objects, one after the other.

    Raises:
        NotFoundError: there is no lake, or an object is not there.
        FullError: there is no room.
        LakeError: the lake cannot be served, or refuses.
    """
    remote = administration.serving(home)
    with ExitStack() as files:
        replacements = [
            {
                "sha256": item.sha256,
                "file": files.enter_context(_staged(home, item.data)),
                "rows": item.rows,
            }
            for item in cleaned
        ]
        body = {"take_down": take_down, "statement": statement, "replacements": replacements}
        counts = administration.post(remote, PATH, body, "purge objects")
    if not isinstance(counts, dict) or not all(type(counts.get(name)) is int for name in COUNTS):
        raise UnreachableError(f"what answers at {remote.endpoint} is no lake: it counts nothing")
    return Purged(*(counts[name] for name in COUNTS))


@contextmanager
def _staged(home: Path, data: bytes) -> Iterator[str]:
    """Write a file into the lake's staging area, which takes it over; yield its name."""
    path = LakeHome(home).staging / f"purge-{secrets.token_hex(16)}"
    try:
        _write(path, data)
        yield path.name
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    try:
        private.touch(path)
        path.write_bytes(data)
    except OSError as error:
        raise FullError(f"the lake cannot be written: {error.strerror}") from error
