"""Tombstones: objects whose bytes were purged, and the cleaned objects that are read instead.

A tree names each object by the SHA-256 of its bytes, and a commit names its tree, so what a purge
takes away cannot be taken out of either without another id for every commit after it. A tombstone
leaves them as they are: whoever reads an entry of a purged object, in whatever tree, commit or
staged change, reads the cleaned object. It is shown with that object's checksum and size, and with
user metadata that say which take-down it was and how many rows it removed.

A cleaned object may be purged again; its tombstone is then followed too. The bytes of a purged
object are never taken again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lake.server.catalog import entries
from lake.server.catalog.entries import Entry, Packed
from lake.server.storage.hashing import StoredObject

PURGED_BY: Final = "stemma-purged-by"
"""User metadata of a cleaned object: the name of the take-down."""
PURGED_ROWS: Final = "stemma-purged-rows"
"""User metadata of a cleaned object: how many rows it lacks."""
_TOMBSTONES: Final = (
    "SELECT sha256, md5, size, now_sha256, now_md5, now_size, rows, purge, take_down "
    "FROM tombstones JOIN purges ON purges.id = purge ORDER BY purge, sha256"
)
_PURGES: Final = "SELECT take_down, at, user, statement, id, done FROM purges ORDER BY id"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A purged object, the cleaned object that is read instead, and the rows that it lacks."""

    purged: StoredObject
    cleaned: StoredObject
    rows: int
    purge: int
    """Number of the purge."""
    take_down: str
    """Name of the take-down that the purge belongs to."""


@dataclass(frozen=True, slots=True)
class Purge:
    """One purge: its take-down, time (unix seconds), user, and what the user states."""

    take_down: str
    at: int
    user: str
    statement: str
    """A text that is kept with the tombstones, such as a signed statement; empty for none."""
    id: int = 0
    """Its number; 0 before it is recorded."""
    done: bool = False
    """Whether the purged bytes are gone from the disk."""


class Tombstones:
    """The tombstones of a catalogue, in memory."""

    def __init__(self) -> None:
        """Begin with none; `load` reads them."""
        self._known: Mapping[str, Tombstone] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._known)

    def __iter__(self) -> Iterator[Tombstone]:
        """All of them, by purge."""
        return iter(self._known.values())

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the tombstones of a catalogue; one of an earlier release has none.

        Raises:
            sqlite3.Error: they cannot be read.
        """
        self._known = {stone.purged.sha256: stone for stone in _read(connection)}

    def get(self, sha256: str) -> Tombstone | None:
        """The tombstone of an object; None where it was not purged."""
        return self._known.get(sha256)

    def purged_by(self, sha256: str) -> str | None:
        """The name of the take-down that purged an object; None where none did."""
        stone = self._known.get(sha256)
        return None if stone is None else stone.take_down

    def unpack(self, packed: Packed) -> Entry:
        """Read an entry; one of a purged object is that of the cleaned one."""
        entry = entries.unpack(packed)
        if self._known and (stone := self._known.get(entry.sha256)) is not None:
            return self._cleaned(entry, stone)
        return entry

    def _cleaned(self, entry: Entry, stone: Tombstone) -> Entry:
        last, rows = stone, stone.rows
        while (later := self._known.get(last.cleaned.sha256)) is not None:
            last, rows = later, rows + later.rows
        metadata = {**entry.metadata, PURGED_BY: last.take_down, PURGED_ROWS: str(rows)}
        now = last.cleaned
        return replace(entry, sha256=now.sha256, md5=now.md5, size=now.size, metadata=metadata)


def purges(connection: sqlite3.Connection) -> list[Purge]:
    """All purges of a catalogue, oldest first."""
    rows = connection.execute(_PURGES)
    return [
        Purge(name, at, user, statement, number, bool(done))
        for name, at, user, statement, number, done in rows
    ]


def add(
    db: sqlite3.Connection,
    purge: Purge,
    stones: Sequence[tuple[StoredObject, StoredObject, int]],
) -> int:
    """Record a purge: purged object, cleaned object and rows of each; return its number.

    To be called inside a change; `load` makes it count for readers when the change is durable.
    """
    db.execute(
        "INSERT INTO purges (take_down, at, user, statement, done) VALUES (?, ?, ?, ?, 0)",
        (purge.take_down, purge.at, purge.user, purge.statement),
    )
    number = int(db.execute("SELECT max(id) FROM purges").fetchone()[0])
    db.executemany(
        "INSERT INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(old.sha256, old.md5, old.size),
                *(new.sha256, new.md5, new.size),
                *(rows, number),
            )
            for old, new, rows in stones
        ],
    )
    return number


def _read(connection: sqlite3.Connection) -> Iterator[Tombstone]:
    try:
        rows = connection.execute(_TOMBSTONES).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return
        raise
    for row in rows:
        old, new, (lacking, purge, take_down) = row[:3], row[3:6], row[6:]
        yield Tombstone(StoredObject(*old), StoredObject(*new), lacking, purge, take_down)
