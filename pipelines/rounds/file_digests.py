"""Cached digests of the user's files: each version of a file is hashed once.

The stage `inputs` runs on every `dvc repro`, so a source of gigabytes must not be read each time.
As in DVC, a file counts as unchanged while its size, modification time and inode are unchanged.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Final

from pipelines.common import digests, kept_database

DATABASE: Final = Path(".stemma") / "file_digests.db"
SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS digests "
    "(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, inode INTEGER, sha256 TEXT)"
)


def of_path(path: Path, *, junk: bool = False) -> str:
    """SHA-256 of a file's bytes, or of the sorted names and digests of a folder's files.

    Which files of a folder count, says `pipelines.common.digests.inside`. A digest equals that of
    `pipelines.common.digests.of_file`.

    Args:
        path: of the file or folder.
        junk: as in `inside`.

    Raises:
        OSError: the file is missing, cannot be read, or is not a regular file.
    """
    try:
        return _of_path(path, junk=junk)
    except sqlite3.DatabaseError:
        DATABASE.unlink(missing_ok=True)
        return _of_path(path, junk=junk)


def _of_path(path: Path, *, junk: bool) -> str:
    with kept_database.opened(DATABASE, SCHEMA) as database, database:
        if not path.is_dir():
            return _of_file(database, path)
        inside = {
            file.relative_to(path).as_posix(): _of_file(database, file)
            for file in digests.inside(path, junk=junk)
        }
        parts = [f"{name}:{digest}" for name, digest in inside.items()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _of_file(database: sqlite3.Connection, path: Path) -> str:
    stat = path.stat()
    name = str(path.absolute())
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    row = database.execute(
        "SELECT size, mtime, inode, sha256 FROM digests WHERE path = ?", (name,)
    ).fetchone()
    if row is not None and tuple(row[:3]) == state:
        return str(row[3])
    digest = digests.of_file(path)
    database.execute(
        "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", (name, *state, digest)
    )
    return digest
