"""The SQLite catalog: connections, and one transaction per change.

WAL mode: a change that was acknowledged survives a crash, since `change` returns when the log is on
disk (`group_flush.py`). One writer at a time, readers beside it; each thread has a connection of
its own. The log is taken over into the database by `checkpoint` alone: SQLite would do it inside of
a transaction, and say nothing of a disk that fails meanwhile.

A second process may read the catalog (`read_only`), for one to check it while it is served.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lake import private
from lake.errors import CorruptError, FullError
from lake.server import failpoints
from lake.server.catalog.group_flush import GroupFlush
from lake.server.catalog.schema import SCHEMA
from lake.server.catalog.tombstones import Tombstones
from lake.server.failpoints import Failpoint

COUNTED: Final = (
    "INSERT INTO high_water VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET changes = changes + 1"
)
"""One change more that the catalogue has seen (`high_water.py`)."""
CHECKPOINT_CHANGES: Final = 1000
"""After how many changes the log is taken over, where nobody does so sooner (`high_water.py`)."""
_NOT_FLUSHED: Final = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
"""Errors after which nobody knows what is on disk: the system says so once, and forgets it."""
_DAMAGE_MESSAGES: Final = (
    *("malformed", "not a database", "no such table", "no such column", "unsupported file format"),
    *("Could not decode", "wrong # of entries", "schema is corrupt", "has no column"),
)
"""Parts of SQLite's messages about a file that is not a sound catalog."""


class Database:
    """Connections to one catalog."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create the catalog; `read_only` writes nothing and needs it to be there.

        Raises:
            FullError: it cannot be written, or has a log that cannot be read where it lies.
        """
        reads = "ro&immutable=1" if _is_frozen(path) else "ro"
        self._uri = f"{path.absolute().as_uri()}?mode={reads if read_only else 'rwc'}"
        self._read_only = read_only
        self._local = threading.local()
        self._writing = threading.RLock()
        self._log = GroupFlush(_beside(path, "wal"))
        self.tombstones = Tombstones()
        self.unpack = self.tombstones.unpack
        if read_only:
            _check_log_readable(path)
        else:
            _make_private(path)
            with sqlite_errors_translated():
                self.connection.executescript(SCHEMA)
                self.load_tombstones()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, timeout=30)
            if not self._read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")  # changes are flushed together
                connection.execute("PRAGMA wal_autocheckpoint = 0")
                connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything inside becomes visible at once, or not at all.

        It is on disk when this returns.

        Raises:
            FullError: the disk is full or read-only, and nothing has changed; or the change could
                not be flushed, and no further one is taken.
        """
        with self._writing, sqlite_errors_translated():
            connection = self.connection
            if connection.in_transaction:  # part of a larger change
                yield connection
                return
            self._log.check()
            connection.execute("BEGIN IMMEDIATE")
            try:
                failpoints.hit(Failpoint.CHANGE_BEGUN)
                yield connection
                connection.execute(COUNTED)
                failpoints.hit(Failpoint.CHANGE_READY)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            number = self._log.ended()
        self._log.wait(number)
        failpoints.hit(Failpoint.CHANGE_COMMITTED)
        if number % CHECKPOINT_CHANGES == 0:
            with suppress(FullError, sqlite3.OperationalError):  # the change itself is on disk
                self.checkpoint()

    def flush(self) -> None:
        """Wait until all changes that can be seen are on disk.

        Raises:
            FullError: they cannot be flushed.
        """
        with self._writing:  # one that is in the log is counted before the next writer's turn
            number = self._log.newest
        self._log.wait(number)

    def checkpoint(self) -> None:
        """Take the log over into the database, as far as no reader is in the way.

        Raises:
            FullError: it cannot be; where the disk failed to flush, no further change is taken.
        """
        self._log.check()
        with sqlite_errors_translated():
            try:
                self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode in _NOT_FLUSHED:
                    self._log.fail(str(error))
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads of one state; inside a change they see its changes."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.rollback()

    def load_tombstones(self) -> None:
        """Read which objects are purged; a catalogue that is only read does not do it by itself."""
        self.tombstones.load(self.connection)

    def get(self, block: str) -> bytes:
        """Bytes of a tree block.

        Raises:
            CorruptError: the block is not there, or not as it was written.
        """
        row = self.connection.execute("SELECT data FROM blocks WHERE id = ?", (block,)).fetchone()
        if row is None:
            raise CorruptError(f"block {block} is missing from the lake's catalog: restore a copy")
        data = row[0]
        if not isinstance(data, bytes) or hashlib.sha256(data).hexdigest() != block:
            raise CorruptError(f"block {block} of the lake's catalog is damaged: restore a copy")
        return data

    def put(self, block: str, data: bytes) -> None:
        """Store a tree block; one that is there already stays, and is mended if it is damaged."""
        self.connection.execute(
            "INSERT INTO blocks VALUES (?1, ?2) "
            "ON CONFLICT (id) DO UPDATE SET data = ?2 WHERE data <> ?2",
            (block, data),
        )
        failpoints.hit(Failpoint.BLOCK_PUT)


def _is_frozen(path: Path) -> bool:
    """Whether a catalog lies without a log on a read-only disk, where SQLite can make none."""
    return _is_read_only(path) and not _has_log(path) and not _beside(path, "shm").exists()


def _check_log_readable(path: Path) -> None:
    """Refuse a catalog whose log SQLite cannot read: it needs a file beside it, and can make none.

    Raises:
        FullError: it is such a one.
    """
    if _is_read_only(path) and _has_log(path) and not _beside(path, "shm").exists():
        raise FullError(
            f"{path} has a log ({path.name}-wal) and lies on a read-only disk, where SQLite cannot "
            "read a log: copy the lake's directory to a disk that can be written, and read it there"
        )


def _is_read_only(path: Path) -> bool:
    """Whether a file lies on a read-only disk."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _has_log(path: Path) -> bool:
    """Whether a catalog has changes in a log beside it."""
    try:
        return _beside(path, "wal").stat().st_size > 0
    except OSError:
        return False


def _beside(path: Path, end: str) -> Path:
    return path.with_name(f"{path.name}-{end}")


def _make_private(path: Path) -> None:
    try:
        private.database(path)
    except OSError as error:
        raise FullError(f"the lake's catalog cannot be written: {error.strerror}") from error


@contextmanager
def sqlite_errors_translated() -> Iterator[None]:
    """Turn SQLite's errors about disk and file into this package's.

    Raises:
        FullError: the disk is full or cannot be written.
        CorruptError: the file is not a sound catalog.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if any(word in message for word in ("full", "readonly", "disk I/O", "unable to open")):
            raise FullError(f"the lake's catalog cannot be written: {message}") from error
        _raise_if_damaged(error)
        raise
    except sqlite3.DatabaseError as error:
        _raise_if_damaged(error)
        raise


def _raise_if_damaged(error: sqlite3.DatabaseError) -> None:
    message = str(error)
    if any(part in message for part in _DAMAGE_MESSAGES):
        raise CorruptError(f"the lake's catalog is damaged ({message}): restore a copy") from error
