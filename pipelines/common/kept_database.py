"""SQLite files that keep what can be computed again, so that a damaged one is no fault."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

from lake import private

TIMEOUT: Final = 60
"""Seconds that one process waits for another that writes."""


@contextmanager
def opened(
    path: Path, *statements: str, isolation_level: Literal["DEFERRED"] | None = "DEFERRED"
) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody else may read; one that is no database is replaced by an empty one.

    Args:
        path: of the file; its folder is made.
        statements: run first, such as those that create the tables.
        isolation_level: as `sqlite3.connect`; None: each statement is a transaction.
    """
    private.folder(path.parent)
    private.database(path)
    with closing(_connect(path, statements, isolation_level)) as database:
        yield database


def _connect(
    path: Path, statements: tuple[str, ...], isolation_level: Literal["DEFERRED"] | None
) -> sqlite3.Connection:
    for _ in range(2):
        database = sqlite3.connect(path, timeout=TIMEOUT, isolation_level=isolation_level)
        try:
            for statement in statements:
                database.execute(statement)
        except sqlite3.DatabaseError:
            database.close()
            path.unlink(missing_ok=True)
        else:
            return database
    return sqlite3.connect(":memory:")
