"""SHA-256 of the objects of a commit, each of which is read once.

The API of a lake gives MD5, which nobody should sign. So the bytes are hashed in a stream. What
lies at an address of the lake never changes, and the digest is kept by it in `.stemma/`, with size
and MD5: a further version costs what it adds.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lake import files, tables
from lake.client import Lake, browsing
from lake.errors import CorruptError
from lake.values import ObjectInfo
from pipelines.common import kept_database, progress

DATABASE: Final = Path(".stemma") / "object_digests.db"
SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS digests (address TEXT, checksum TEXT, size INTEGER, sha256 TEXT, "
    "PRIMARY KEY (address, checksum, size))"
)


def of_objects(lake: Lake, commit: str, objects: Sequence[ObjectInfo]) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of objects, in their order; what was hashed before is believed.

    Args:
        lake: the lake.
        commit: id of the commit that holds them.
        objects: what it lists of them.

    Raises:
        CorruptError: the file of an object of an embedded lake has other bytes than its name says.
    """
    with _open_database() as database:
        for item in progress.track(objects, "objects"):
            key = (item.address, item.checksum, item.size)
            known = _known(database, key)
            digest = known or of_object(lake, commit, item)
            if known is None:
                _note(database, key, digest)
            yield item.path, digest


def of_object(lake: Lake, commit: str, item: ObjectInfo) -> str:
    """Hash the bytes of an object, in place where they lie in an embedded lake.

    Args:
        lake: the lake.
        commit: id of the commit that holds it.
        item: what the commit lists of it.

    Raises:
        CorruptError: the file has other bytes than its name says.
    """
    paths = tables.paths_in_place([item], lake.connection.home)
    if paths is None:
        digest = hashlib.sha256()
        ref = lake.on_server(commit)
        for piece in browsing.pieces(lake.connection, lake.repository, ref, item.path):
            digest.update(piece)
        return digest.hexdigest()
    path = Path(paths[0])
    with files.open_regular(path) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != f"{path.parent.name}{path.name}":
        raise CorruptError(
            f"the file of {item.path} in the lake has other bytes than were written; run `stemma "
            "lake fsck`, and restore it from a backup"
        )
    return found


def _known(database: sqlite3.Connection, key: tuple[str, str, int]) -> str | None:
    query = "SELECT sha256 FROM digests WHERE address = ? AND checksum = ? AND size = ?"
    try:
        row = database.execute(query, key).fetchone()
    except sqlite3.DatabaseError:  # damaged: it is hashed again
        return None
    return None if row is None else str(row[0])


def _note(database: sqlite3.Connection, key: tuple[str, str, int], digest: str) -> None:
    """Keep a digest at once; where the file is damaged or the disk is full it is not kept."""
    with suppress(sqlite3.DatabaseError):
        database.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (*key, digest))


@contextmanager
def _open_database() -> Iterator[sqlite3.Connection]:
    """Open the kept digests; a file that is no database is replaced by an empty one.

    Each digest is a transaction, so that a run which is killed keeps what it has hashed, and two
    runs do not wait for each other.
    """
    unsynced = "PRAGMA synchronous = OFF"  # what a crash of the machine loses is hashed again
    with kept_database.opened(DATABASE, unsynced, SCHEMA, isolation_level=None) as database:
        yield database
