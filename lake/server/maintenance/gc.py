"""Garbage collection: free what is not reachable, while the lake is served.

Kept is what is reachable from a branch, a tag, a staged entry or a request under way, with the
whole history of each commit; and for a while what a branch or tag left when it was moved or
deleted. Commits and tree blocks go in one transaction. Object files go after it is durable, so a
crash in between leaves files that nothing refers to, which the next collection removes.

The first scan reads the whole history beside writers; the second one, for which they wait, reads
only what they changed meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from lake.server import failpoints
from lake.server.catalog import multipart
from lake.server.catalog.database import Database
from lake.server.failpoints import Failpoint
from lake.server.maintenance.reachability import Key, Reachability
from lake.server.storage.objects import KEEP_STAGED, ObjectStore, object_files

KEEP: Final = 7 * 86_400
"""Seconds for which a commit stays that a branch or tag left."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What a collection freed, or would free: how many of each, and bytes of objects and blocks.

    `spared` are unreachable commits that stay for a while, or because the caller named them.
    """

    objects: int
    object_bytes: int
    blocks: int
    block_bytes: int
    commits: int
    spared: int


@dataclass(frozen=True, slots=True)
class _Unreachable:
    """Rows of the catalog that are not reachable."""

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
    """Free what is not reachable.

    Args:
        database: the catalog.
        store: the object store, whose process this must be.
        keep: seconds for which a commit stays that a branch or tag left.
        also: ids of further commits to keep.
        dry_run: only count.

    Raises:
        ConflictError: a collection is under way.
        CorruptError: something that must be kept cannot be read; nothing is freed then.
    """
    since = int(time.time()) - keep
    with store.pins.collecting():
        reachability = Reachability(database)
        with database.snapshot():
            reachability.scan()
            kept = len(reachability.commits)
            reachability.scan_left_behind(since, also)
            spared = len(reachability.commits) - kept
        with database.snapshot() if dry_run else database.change():
            reachability.scan()
            reachability.scan_left_behind(since, also)
            failpoints.hit(Failpoint.GC_MARKED)
            unreachable = _unreachable(database.connection, reachability)
            if not dry_run:
                _delete(database.connection, unreachable, since)
                multipart.forget_expired(database)
                failpoints.hit(Failpoint.GC_FORGOTTEN)
        count, size = _sweep(store, reachability.objects, dry_run=dry_run)
        if not dry_run:
            store.sweep(drafts=False, wanted=_offered_addresses(database.connection))
        failpoints.hit(Failpoint.GC_SWEPT)
    return Freed(
        count,
        size,
        len(unreachable.blocks),
        unreachable.block_bytes,
        len(unreachable.commits),
        spared,
    )


def _unreachable(db: sqlite3.Connection, reachability: Reachability) -> _Unreachable:
    rows = db.execute("SELECT repository, id FROM commits")
    commits = [key for key in rows if key not in reachability.commits]
    sizes = db.execute("SELECT id, length(data) FROM blocks")
    blocks = {block: size for block, size in sizes if block not in reachability.blocks}
    return _Unreachable(commits, [(block,) for block in blocks], sum(blocks.values()))


def _delete(db: sqlite3.Connection, unreachable: _Unreachable, since: int) -> None:
    """Delete rows; to be called inside a change."""
    db.executemany("DELETE FROM commits WHERE repository = ? AND id = ?", unreachable.commits)
    db.executemany("DELETE FROM blocks WHERE id = ?", unreachable.blocks)
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
    for sha256, path in object_files(store.objects):
        if sha256 in wanted:
            continue
        length = path.stat().st_size
        if dry_run or store.pins.remove(sha256, path):
            count += 1
            size += length
            failpoints.hit(Failpoint.GC_REMOVED)
    return count, size


def _offered_addresses(db: sqlite3.Connection) -> set[str]:
    return {address for (address,) in db.execute("SELECT address FROM slots")}
