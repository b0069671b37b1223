"""Files of what can be computed again: private, and empty again where they are damaged."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pipelines.common import kept_database

SCHEMA = "CREATE TABLE IF NOT EXISTS kept (name TEXT)"


def names(path: Path) -> list[str]:
    with kept_database.opened(path, SCHEMA) as database:
        return [name for (name,) in database.execute("SELECT name FROM kept")]


def _keep_and_fail(path: Path, name: str, *, isolation_level: Literal["DEFERRED"] | None) -> None:
    """Keep a name and end in an error, before what is kept together is kept."""
    opened = kept_database.opened(path, SCHEMA, isolation_level=isolation_level)
    with suppress(ZeroDivisionError), opened as database, database:
        database.execute("INSERT INTO kept VALUES (?)", (name,))
        raise ZeroDivisionError


def test_what_is_kept_is_found_again_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / ".stemma" / "kept.db"
    with kept_database.opened(path, SCHEMA) as database, database:
        database.execute("INSERT INTO kept VALUES ('a')")
    assert names(path) == ["a"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_each_statement_is_kept_at_once_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    _keep_and_fail(path, "a", isolation_level=None)
    _keep_and_fail(path, "b", isolation_level="DEFERRED")
    assert names(path) == ["a"]


def test_a_file_that_is_no_database_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    path.write_bytes(b"no database at all" * 100)
    assert names(path) == []
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
