"""Group commits: flushes are shared, and no change returns before one that began after it ended."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from lake.errors import FullError
from lake.polling import until
from lake.server.catalog import database as database_module
from lake.server.catalog import high_water
from lake.server.catalog.database import Database
from lake.server.catalog.group_flush import GroupFlush
from lake.server.catalog.high_water import Keeper

WRITERS = 8


class Disk:
    """A disk whose flushes wait until the test lets them go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = threading.Semaphore(0)
        self.error: BaseException | None = None

    def flush(self, _handle: int) -> None:
        self.begun += 1
        assert self.may_end.acquire(timeout=20)
        if self.error is not None:
            raise self.error


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "catalog.db")
    made.connection.execute("CREATE TABLE numbers (n)")
    return made


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    slow = Disk()
    monkeypatch.setattr(os, "fdatasync", slow.flush)
    return slow


def writing(database: Database, number: int) -> Callable[[], None]:
    def write() -> None:
        with database.change() as db:
            db.execute("INSERT INTO numbers VALUES (?)", (number,))

    return write


def count(database: Database) -> int:
    (found,) = database.connection.execute("SELECT count(*) FROM numbers").fetchone()
    return int(found)


def test_writers_share_a_flush_and_none_returns_before_its_own(
    database: Database, disk: Disk
) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        first = pool.submit(writing(database, 0))
        assert until(lambda: disk.begun, interval=0.005, timeout=20)
        others = [pool.submit(writing(database, n)) for n in range(1, WRITERS)]
        assert until(lambda: count(database) == WRITERS, interval=0.005, timeout=20)
        assert not any(future.done() for future in (first, *others))
        disk.may_end.release()
        first.result(20)
        assert until(lambda: disk.begun > 1, interval=0.005, timeout=20)
        assert not any(future.done() for future in others)  # the first flush began before they did
        disk.may_end.release()
        for future in others:
            future.result(20)
    assert disk.begun == 2


def test_after_a_flush_that_failed_no_change_is_taken(database: Database, disk: Disk) -> None:
    disk.error = OSError(5, "Input/output error")
    disk.may_end.release()
    with pytest.raises(FullError, match=r"could not be flushed to disk \(Input/output error\)"):
        writing(database, 1)()
    with pytest.raises(FullError, match="start the lake again"):
        writing(database, 2)()
    assert (count(database), disk.begun) == (1, 1)


def test_a_flush_that_is_interrupted_leaves_nobody_waiting(database: Database, disk: Disk) -> None:
    disk.error = KeyboardInterrupt()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(writing(database, 1))
        assert until(lambda: disk.begun, interval=0.005, timeout=20)
        second = pool.submit(writing(database, 2))
        assert until(lambda: count(database) == 2, interval=0.005, timeout=20)
        disk.may_end.release()
        assert isinstance(first.exception(20), KeyboardInterrupt)
        assert isinstance(second.exception(20), FullError)


def test_a_change_that_is_seen_and_not_yet_counted_is_waited_for(
    database: Database, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_count, ended = threading.Event(), GroupFlush.ended

    def late(log: GroupFlush) -> int:
        assert may_count.wait(20)
        return ended(log)

    monkeypatch.setattr(GroupFlush, "ended", late)
    with ThreadPoolExecutor(2) as pool:
        change = pool.submit(writing(database, 1))
        assert until(lambda: count(database) == 1, interval=0.005, timeout=20)
        flush = pool.submit(database.flush)
        with pytest.raises(TimeoutError):
            flush.result(0.05)
        may_count.set()
        disk.may_end.release()
        assert (flush.result(20), change.result(20), disk.begun) == (None, None, 1)


def test_a_change_that_is_undone_waits_for_no_flush(database: Database, disk: Disk) -> None:
    with pytest.raises(ZeroDivisionError), database.change():
        raise ZeroDivisionError
    assert disk.begun == 0


def test_a_catalogue_without_changes_needs_no_flush(database: Database, disk: Disk) -> None:
    database.flush()
    assert disk.begun == 0


class Failing:
    """A connection whose checkpoints fail as SQLite's do on a disk that cannot flush."""

    def __init__(self, connection: sqlite3.Connection, code: int) -> None:
        self.connection = connection
        self.code = code

    def execute(self, statement: str, *given: object) -> sqlite3.Cursor:
        if "wal_checkpoint" in statement:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.code
            raise error
        return self.connection.execute(statement, *given)

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)


@pytest.mark.parametrize(
    ("code", "goes_on"), [(sqlite3.SQLITE_IOERR_FSYNC, False), (sqlite3.SQLITE_FULL, True)]
)
def test_a_checkpoint_that_cannot_be_flushed_ends_all_changes(
    database: Database, tmp_path: Path, code: int, *, goes_on: bool
) -> None:
    writing(database, 1)()
    database._local.connection = Failing(database.connection, code)
    keeper = Keeper(tmp_path / "catalog.db", database)
    keeper.keep()
    if goes_on:
        writing(database, 2)()
    else:
        with pytest.raises(FullError, match="start the lake again"):
            writing(database, 2)()
    assert count(database) == 1 + goes_on
    assert not high_water.path(tmp_path / "catalog.db").exists()


def test_the_log_is_taken_over_by_nobody_else(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_file() -> int:
        """Changes in the database itself, without its log."""
        with closing(sqlite3.connect(f"file:{tmp_path}/catalog.db?immutable=1", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM numbers").fetchone()[0])

    monkeypatch.setattr(database_module, "CHECKPOINT_CHANGES", 5)
    database.checkpoint()
    with database.change() as db:  # more than the log that SQLite takes over by itself
        db.executemany("INSERT INTO numbers VALUES (?)", [(10**15 + n,) for n in range(150_000)])
    assert in_file() == 0
    for number in range(4):
        writing(database, number)()
    assert in_file() == count(database) == 150_004
