"""The check of a whole lake: every object, tree block, commit, ref and staged path.

It reads beside the process that serves the lake and changes nothing, so it needs no lock and works
on a copy, and on a lake that cannot be served any more. What a collection removes meanwhile is not
taken for missing: whatever looks wrong must still be referred to when everything is read.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake.errors import CorruptError, NotFoundError
from lake.home import LakeHome
from lake.server.catalog import high_water, tombstones
from lake.server.catalog.database import Database, sqlite_errors_translated
from lake.server.maintenance.inventory import DAMAGED, MISSING, Inventory, ItemRef
from lake.server.storage.hashing import sha256_of
from lake.server.storage.objects import object_files

MAX_SHOWN: Final = 5
"""How many of those that refer to a broken item are named."""

PURGED: Final = "purged, and its bytes are there"
"""The fault of an object whose file is there although it was purged."""

Progress = Callable[[int, int], None]
"""Is told how many bytes of objects have been read, and of how many."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An item that is broken, how, and the first few that refer to it of how many."""

    item: ItemRef
    wrong: str
    used_by: tuple[str, ...]
    users: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how many objects (and bytes) nothing refers to, and the problems."""

    objects: int
    object_bytes: int
    blocks: int
    commits: int
    refs: int
    staged: int
    unreferenced: int
    unreferenced_bytes: int
    problems: tuple[Problem, ...]


def check(home: LakeHome, progress: Progress = lambda _done, _total: None) -> Report:
    """Check a lake.

    Args:
        home: its directory.
        progress: is told how far the check is.

    Raises:
        NotFoundError: there is no lake.
        CorruptError: the catalog cannot be read as a database.
    """
    if not home.catalog.exists():
        raise NotFoundError(f"there is no lake in {home.path}: name its directory with --home")
    database = Database(home.catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection), _text_errors_translated():
        database.connection.text_factory = _decode
        inventory = Inventory(database)
        complaints = _sqlite_complaints(database.connection)
        wrong = {ItemRef("catalog", complaint): DAMAGED for complaint in complaints}
        if lost := high_water.lost(home.catalog, database):
            wrong[ItemRef("catalog", f"(without {lost} changes that it has seen)")] = DAMAGED
        inventory.read()
        paths = dict(object_files(home.objects))
        wrong |= _left(paths, database)
        wrong |= inventory.wrong | _check_objects(paths, inventory.sizes, progress)
        problems = _problems(inventory, wrong)
    unreferenced = paths.keys() - inventory.sizes.keys()
    return Report(
        objects=len(paths),
        object_bytes=sum(_size(path) for path in paths.values()),
        blocks=inventory.blocks,
        commits=len(inventory.commits),
        refs=inventory.refs,
        staged=inventory.staged,
        unreferenced=len(unreferenced),
        unreferenced_bytes=sum(_size(paths[sha256]) for sha256 in unreferenced),
        problems=problems,
    )


@contextmanager
def _text_errors_translated() -> Iterator[None]:
    """Take for damage that SQLite quotes something in a message that is not text."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CorruptError("the lake's catalog is damaged: restore a copy") from error


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _sqlite_complaints(db: sqlite3.Connection) -> Iterator[str]:
    """Problems that SQLite itself finds."""
    for (message,) in db.execute("PRAGMA integrity_check"):
        if message != "ok":
            yield str(message)
    for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"a row of {table} has no {parent}"


def _left(paths: dict[str, Path], database: Database) -> dict[ItemRef, str]:
    """Objects that were purged, and whose bytes are there again.

    Those of a purge that was interrupted go when the lake is opened next, and are no fault.
    """
    if not database.tombstones:
        return {}
    done = {item.id for item in tombstones.purges(database.connection) if item.done}
    purged = (stone.purged.sha256 for stone in database.tombstones if stone.purge in done)
    return {ItemRef("object", sha256): PURGED for sha256 in purged if sha256 in paths}


def _check_objects(
    paths: dict[str, Path], sizes: dict[str, int], progress: Progress
) -> dict[ItemRef, str]:
    """Hash the file of every object; return the faults, missing files included."""
    wrong = {ItemRef("object", sha256): MISSING for sha256 in sizes.keys() - paths.keys()}
    total, done = sum(_size(path) for path in paths.values()), 0
    for sha256, path in paths.items():
        fault = _fault(path, sha256, sizes.get(sha256))
        if fault:
            wrong[ItemRef("object", sha256)] = fault
        done += _size(path)
        progress(done, total)
    return wrong


def _fault(path: Path, sha256: str, size: int | None) -> str:
    """What is wrong with an object's file; empty where it is sound."""
    try:
        with path.open("rb") as file:
            sound = sha256_of(file) == sha256
            length = file.tell()
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"unreadable ({error.strerror})"
    if not sound:
        return DAMAGED
    return DAMAGED if size is not None and size != length else ""


def _problems(inventory: Inventory, wrong: dict[ItemRef, str]) -> tuple[Problem, ...]:
    """Problems, with the items that refer to each; an unreferenced missing object is not one."""
    users: defaultdict[ItemRef, dict[str, None]] = defaultdict(dict)
    if wrong:
        for item, user in inventory.users(wrong):
            users[item][user] = None
    return tuple(
        Problem(item, fault, tuple(users[item])[:MAX_SHOWN], len(users[item]))
        for item, fault in sorted(wrong.items())
        if users[item] or fault != MISSING
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # collected meanwhile
        return 0
