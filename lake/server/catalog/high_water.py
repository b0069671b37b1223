"""The high-water mark of a catalogue: how many changes it has seen, in a file beside it.

SQLite ends its log (`catalog.db-wal`) where a checksum is wrong, and takes what comes after for
never written; a copy of `catalog.db` without its log is an older catalogue, and a new file an empty
one. All three open without a word. So the catalogue counts its changes, and while it is served the
count is written beside it about every second, after the log has been taken over into the database:
a catalogue that has seen fewer changes than its mark says has lost some, and is not served.

What was lost within the last second before the mark is not noticed.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from lake import documents, files, private
from lake.documents import DocumentError
from lake.errors import CorruptError, FullError
from lake.server.catalog.database import Database, sqlite_errors_translated

NAME: Final = "catalog.mark"
_FIELD: Final = "changes"


def path(catalog: Path) -> Path:
    """The file with the mark of a catalogue."""
    return catalog.with_name(NAME)


def lost(catalog: Path, database: Database) -> int:
    """How many changes a catalogue lacks that it has seen; 0 where there is no mark."""
    return max(0, _marked(catalog) - changes(database))


def opened(catalog: Path) -> Database:
    """Open a catalogue, or make a new one; one that has lost changes is not opened.

    Raises:
        CorruptError: it has, or is gone itself; the message says how much, and what to do.
        FullError: it cannot be written.
    """
    seen = _marked(catalog)
    if seen and not catalog.exists():
        raise CorruptError(
            f"{catalog} is gone, and {seen:,} changes with it: put it back, or restore a backup "
            f"(`stemma lake restore`); to begin with an empty lake, remove {path(catalog)}"
        )
    if seen:
        check(catalog)
    return Database(catalog)


def check(catalog: Path) -> None:
    """Refuse a catalogue that has lost changes, and leave it and its log as they are.

    Raises:
        CorruptError: it has; the message says how much, and what to do.
    """
    database = Database(catalog, read_only=True)  # one that may write would shorten a damaged log
    with sqlite_errors_translated(), closing(database.connection):
        missing = lost(catalog, database)
    if missing:
        raise CorruptError(
            f"{catalog} lacks {missing:,} changes that it has seen: its log (-wal) is damaged or "
            "gone, or it is a copy of an earlier day. Put the files back, or restore a backup "
            f"(`stemma lake restore`); to go on without these changes, remove {path(catalog)}"
        )


def changes(database: Database) -> int:
    """How many changes a catalogue has seen; 0 for one of an earlier release.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    try:
        row = database.connection.execute("SELECT changes FROM high_water").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return 0
        raise
    return int(row[0]) if row else 0


def write(catalog: Path, seen: int) -> None:
    """Write a mark; one of no changes is none.

    Raises:
        OSError: it cannot be written.
    """
    place = path(catalog)
    if seen:
        files.write_atomic(place, json.dumps({_FIELD: seen}).encode())
        private.close(place)
    else:
        place.unlink(missing_ok=True)


class Keeper:
    """Takes the log over and writes the mark, where there were changes since it did so last."""

    def __init__(self, catalog: Path, database: Database) -> None:
        """Begin with a mark that is not written."""
        self._catalog = catalog
        self._database = database
        self._written = -1

    def keep(self) -> None:
        """Write the mark of the changes that are in the database by now.

        A full disk leaves the mark as it is: nothing is lost by an older one.

        Raises:
            CorruptError: the catalogue is damaged, or has fewer changes than before.
        """
        try:
            with sqlite_errors_translated():
                seen = changes(self._database)
        except (FullError, sqlite3.OperationalError):  # the next time, or the request that waits
            return
        if seen < self._written:
            raise CorruptError(
                f"{self._catalog} has lost {self._written - seen:,} changes while it was served: "
                "another file was written in its place"
            )
        if seen == self._written:
            return
        with suppress(sqlite3.OperationalError, OSError, FullError):
            self._database.flush()
            self._database.checkpoint()
            write(self._catalog, seen)
            self._written = seen


def _marked(catalog: Path) -> int:
    """The count in the file; 0 where there is none, or it cannot be read."""
    try:
        content = documents.parse_json(files.read_bytes(path(catalog), 1 << 10))
    except (OSError, DocumentError):
        return 0
    count = content.get(_FIELD) if isinstance(content, dict) else None
    return count if type(count) is int else 0
