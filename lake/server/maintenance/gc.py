"""Garbage collection: free what nothing leads to, while the lake is served.

Kept is what a branch, a tag, a staged entry or a request under way leads to, with the whole history
of each commit; and for a while what a branch or tag left when it was moved or deleted. Commits and
tree blocks go in one transaction. Object files go after it is durable, so a crash in between leaves
files that nothing refers to, which the next collection removes.

The first look reads the whole history beside writers; the second one, which they wait for, reads
only what they changed meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from lake.server import failpoints
from lake.server.catalog.database import Database
from lake.server.failpoints import Point
from lake.server.maintenance.reachability import Key, Reach
from lake.server.storage.objects import KEEP_STAGED, ObjectStore, files

KEEP: Final = 7 * 86_400
"""Seconds for which a commit stays that a branch or tag left."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What a collection freed, or would free: how many of each, and bytes of objects and blocks.

    `spared` are commits that no ref leads to and that stay for a while, or because they were named.
    """

    objects: int
    object_bytes: int
    blocks: int
    block_bytes: int
    commits: int
    spared: int


@dataclass(frozen=True, slots=True)
class _Dead:
    """Rows of the catalog that nothing leads to."""

    commits: list[Key]
    blocks: list[tuple[str]]
    block_bytes: int


def collect(
    database: Database,
    store: ObjectStore,
    *,
    keep: int = KEEP,
    also: Collection[str] = (),
    dry_run: bool = False,
) -> Freed:
    """Free what nothing leads to.

    Args:
        database: the catalog.
        store: the object store, whose process this must be.
        keep: seconds for which a commit stays that a branch or tag left.
        also: ids of commits to keep besides.
        dry_run: only count.

    Raises:
        ConflictError: a collection is under way.
        CorruptError: something that must be kept cannot be read; nothing is freed then.
    """
    since = int(time.time()) - keep
    with store.holds.collecting():
        reach = Reach(database)
        with database.snapshot():
            reach.look()
            held = len(reach.commits)
            reach.look_back(since, also)
            spared = len(reach.commits) - held
        with database.snapshot() if dry_run else database.change():
            reach.look()
            reach.look_back(since, also)
            failpoints.reach(Point.GC_MARKED)
            dead = _dead(database.connection, reach)
            if not dry_run:
                _forget(database.connection, dead, since)
                failpoints.reach(Point.GC_FORGOTTEN)
        count, size = _sweep(store, reach.objects, dry_run=dry_run)
        if not dry_run:
            store.sweep(drafts=False, wanted=_handed_out(database.connection))
        failpoints.reach(Point.GC_SWEPT)
    return Freed(count, size, len(dead.blocks), dead.block_bytes, len(dead.commits), spared)


def _dead(db: sqlite3.Connection, reach: Reach) -> _Dead:
    rows = db.execute("SELECT repository, id FROM commits")
    dead = [key for key in rows if key not in reach.commits]
    sizes = db.execute("SELECT id, length(data) FROM blocks")
    blocks = {block: size for block, size in sizes if block not in reach.blocks}
    return _Dead(dead, [(block,) for block in blocks], sum(blocks.values()))


def _forget(db: sqlite3.Connection, dead: _Dead, since: int) -> None:
    """Remove rows; to be called inside a change."""
    db.executemany("DELETE FROM commits WHERE repository = ? AND id = ?", dead.commits)
    db.executemany("DELETE FROM blocks WHERE id = ?", dead.blocks)
    now = int(time.time())
    db.execute(
        "DELETE FROM reflog WHERE left_at <= ? OR NOT EXISTS (SELECT 1 FROM commits "
        "WHERE commits.repository = reflog.repository AND id = commit_id)",
        (min(since, now - KEEP),),  # one that a short `keep` spared is known to a longer one
    )
    db.execute("DELETE FROM slots WHERE created < ?", (now - KEEP_STAGED,))


def _sweep(store: ObjectStore, wanted: Collection[str], *, dry_run: bool) -> tuple[int, int]:
    """Remove the files of objects that are not wanted; return how many, and their bytes."""
    count = size = 0
    for sha256, file in files(store.objects):
        if sha256 in wanted:
            continue
        length = file.stat().st_size
        if dry_run or store.holds.remove(sha256, file):
            count += 1
            size += length
            failpoints.reach(Point.GC_REMOVED)
    return count, size


def _handed_out(db: sqlite3.Connection) -> set[str]:
    return {address for (address,) in db.execute("SELECT address FROM slots")}
