"""Purge: the bytes of objects go from a lake, and cleaned objects are read in their place.

The caller has written each object again without what must go. The cleaned objects are stored, then
one transaction records a tombstone for each purged object (`catalog/tombstones.py`), and from then
on every version reads the cleaned bytes. Only then do the files of the purged objects go, and with
them all uploads that are not finished: nobody can tell what half an object holds.

Killed before the transaction, nothing has happened; killed after it, the purge goes on when the
lake is opened again. Readers are not in the way: who has opened a file reads it to its end.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from lake.errors import ConflictError, InvalidError, NotFoundError
from lake.server import failpoints
from lake.server.catalog import tombstones
from lake.server.catalog.database import Database
from lake.server.catalog.tombstones import Purge
from lake.server.failpoints import Failpoint
from lake.server.storage.hashing import StoredObject, digest
from lake.server.storage.objects import ObjectStore
from lake.values import Purged

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Replacement:
    """An object to purge, and the address in staging of its bytes without the rows that must go."""

    sha256: str
    address: str
    rows: int
    """How many rows the cleaned bytes lack; 0 where the object is no table."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a purge is asked to do, by whom, and for which take-down."""

    take_down: str
    user: str
    statement: str
    replacements: Sequence[Replacement]


def purge(database: Database, store: ObjectStore, asked: Asked) -> Purged:
    """Purge objects, so that every version reads the cleaned ones.

    Args:
        database: the catalog.
        store: the object store, whose process this must be.
        asked: what to do; the files at its addresses are used up.

    Raises:
        InvalidError: a digest or an address is none, an object is named twice, or cleaned bytes are
            those of another object that is purged.
        NotFoundError: an object is not there.
        ConflictError: an object was purged before, or a collection or purge is under way.
    """
    olds = [_present(database, store, item.sha256) for item in asked.replacements]
    if len({old.sha256 for old in olds}) < len(olds):
        raise InvalidError("an object is named twice: name each once")
    with store.pins.collecting(), ExitStack() as pinned:
        news = store.link_many([item.address for item in asked.replacements])
        for new in news:
            pinned.callback(store.pins.unpin, new.sha256)
        _check_distinct(database, olds, news)
        failpoints.hit(Failpoint.PURGE_LINKED)
        rows = (item.rows for item in asked.replacements)
        with database.change() as db:
            stones = list(zip(olds, news, rows, strict=True))
            made = Purge(asked.take_down, int(time.time()), asked.user, asked.statement)
            number = tombstones.add(db, made, stones)
            uploads = _end_uploads(db)
            failpoints.hit(Failpoint.PURGE_MARKED)
        database.load_tombstones()
        _remove(database, store)
    return Purged(number, len(olds), sum(old.size for old in olds), uploads)


def finish(database: Database, store: ObjectStore) -> None:
    """Go on with purges that were interrupted; to be called before a lake is served."""
    if not all(item.done for item in tombstones.purges(database.connection)):
        _remove(database, store)


def _remove(database: Database, store: ObjectStore) -> None:
    """Remove the files of purged objects and of ended uploads, and record that it is done."""
    for stone in database.tombstones:
        path = store.path(stone.purged.sha256)
        if path.exists():
            path.unlink(missing_ok=True)
            failpoints.hit(Failpoint.PURGE_REMOVED)
    waiting = [item for item in tombstones.purges(database.connection) if not item.done]
    if waiting:
        named = {address for (address,) in database.connection.execute("SELECT address FROM slots")}
        parts = database.connection.execute("SELECT file FROM multipart_parts")
        named |= {store.staging_address(name) for (name,) in parts}
        store.sweep_before(max(item.at for item in waiting), wanted=named)
    failpoints.hit(Failpoint.PURGE_SWEPT)
    with database.change() as db:
        db.execute("UPDATE purges SET done = 1 WHERE done = 0")


def _present(database: Database, store: ObjectStore, sha256: str) -> StoredObject:
    """The object that is to be purged.

    Raises:
        InvalidError: this is no SHA-256.
        ConflictError: it was purged before.
        NotFoundError: it is not there.
    """
    if not _SHA256.fullmatch(sha256):
        raise InvalidError(f"{sha256!r} is no SHA-256 of an object: write 64 hex digits")
    if (stone := database.tombstones.get(sha256)) is not None:
        raise ConflictError(
            f"object {sha256} was purged by the take-down {stone.take_down} already: leave it out"
        )
    try:
        stored = digest(store.path(sha256))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no object {sha256}: leave it out") from error
    return StoredObject(sha256, stored.md5, stored.size)


def _check_distinct(
    database: Database, olds: Sequence[StoredObject], news: Sequence[StoredObject]
) -> None:
    """Refuse cleaned bytes that are purged themselves, or that stand for two objects.

    Raises:
        InvalidError: there are such.
    """
    before = {stone.cleaned.sha256 for stone in database.tombstones}
    purged = {old.sha256 for old in olds}
    for new in news:
        if new.sha256 in purged:
            raise InvalidError(f"object {new.sha256} would be purged and read again: clean it")
        if new.sha256 in before:
            raise InvalidError(
                f"the cleaned object {new.sha256} stands for two: name the purged one in each"
            )
        before.add(new.sha256)


def _end_uploads(db: sqlite3.Connection) -> int:
    """End all uploads that are not finished; to be called inside a change."""
    ended = db.execute("DELETE FROM multipart_uploads").rowcount
    return int(ended + db.execute("DELETE FROM slots").rowcount)
