"""SQLite with the indexes that each question wants, as a good user keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage import flat, queries
from benchmarks.lineage.engine import DERIVED, Engine, Reader, Result, size, slots
from lineage.schema import ID_BYTES

MOST: Final = b"\xff"
PRAGMAS: Final = {
    "journal_mode": "OFF",
    "synchronous": "OFF",
    "cache_size": -2_000_000,
    "mmap_size": 1 << 33,
    "temp_store": "MEMORY",
    "threads": 2,
}
TABLES: Final = (
    "DROP TABLE IF EXISTS nodes",
    "DROP TABLE IF EXISTS edges",
    """
    CREATE TABLE nodes (
        slot INTEGER PRIMARY KEY, round INTEGER, mix INTEGER, mass REAL, sample_id BLOB)
    """,
    """
    CREATE TABLE edges (
        child INTEGER, position INTEGER, parent INTEGER, weight REAL,
        PRIMARY KEY (child, position)) WITHOUT ROWID
    """,
)
"""A child's edges lie together."""
INDEXES: Final = (
    "CREATE INDEX nodes_by_id ON nodes (sample_id)",
    "CREATE INDEX edges_by_parent ON edges (parent)",
    "ANALYZE",
)
ABOVE: Final = """
WITH RECURSIVE above (slot) AS (
    SELECT parent FROM edges WHERE child = $slot
    UNION SELECT parent FROM edges JOIN above ON child = above.slot)
SELECT slot FROM above
"""
BELOW: Final = """
WITH RECURSIVE below (slot) AS (
    SELECT child FROM edges WHERE parent IN (SELECT slot FROM starts)
    UNION SELECT child FROM edges JOIN below ON parent = below.slot)
SELECT slot FROM below
"""


@dataclass(slots=True)
class Lite(Engine):
    """A database file."""

    connection: sqlite3.Connection = field(init=False)

    def prepare(self) -> None:
        """Open the file."""
        self.name = f"SQLite {sqlite3.sqlite_version}, indexes"
        self.connection = sqlite3.connect(self.scratch / "lite.db", isolation_level=None)
        for name, value in PRAGMAS.items():
            self._run(f"PRAGMA {name} = {value}")
        self._run("CREATE TEMP TABLE starts (slot INTEGER PRIMARY KEY)")

    def build(self) -> Reader:
        """Take nodes and edges out of the lake's Parquet files, then index them."""
        for statement in TABLES:
            self._run(statement)
        self._run("BEGIN")
        for number in range(self.world.rounds):
            self._load(number)
        self._run("COMMIT")
        for statement in INDEXES:
            self._run(statement)
        rows, edges = self._run(queries.COUNT).fetchone()
        return size(rows, edges)

    def find(self, prefix: str) -> Reader:
        """Look the id up."""
        low = bytes.fromhex(prefix)
        asked = {"low": low, "high": low.ljust(ID_BYTES, MOST)}
        return _found(
            self._run("SELECT slot FROM nodes WHERE sample_id BETWEEN $low AND $high", asked)
        )

    def ancestors(self, slot: int) -> Reader:
        """Go back, by index."""
        return _found(self._run(ABOVE, {"slot": slot}))

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Go forward, by index."""
        self._run("DELETE FROM starts")
        self.connection.executemany("INSERT INTO starts VALUES (?)", zip(starts.tolist()))
        return _found(self._run(BELOW))

    def derive(self) -> Reader:
        """Derive round by round, into a table."""
        self._run("BEGIN")
        queries.derive(self._run, self.world, keyed=True)
        self._run("COMMIT")
        return self._derived

    def _load(self, number: int) -> None:
        rows, edges = flat.tables(self.world, number)
        ids = self.world.lineage(number).select("row", "sample_id").collect().sort("row")
        nodes = rows.select(
            "slot",
            pl.lit(number),
            pl.col("mix").replace(flat.OPAQUE, None),
            "mass",
            ids["sample_id"],
        )
        links = edges.with_row_index("position").select("child", "position", "parent", "weight")
        self.connection.executemany("INSERT INTO nodes VALUES (?, ?, ?, ?, ?)", _rows(nodes))
        self.connection.executemany("INSERT INTO edges VALUES (?, ?, ?, ?)", _rows(links))

    def _run(self, query: str, given: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        return self.connection.execute(query, dict(given or {}))

    def _derived(self) -> Result:
        table = np.array(self._run(queries.READ).fetchall(), float)
        return {name: table[:, at] for at, name in enumerate(("slot", *DERIVED))}


def _rows(frame: pl.DataFrame) -> Iterable[tuple[Any, ...]]:
    """The rows of a frame as Python values, column by column."""
    return zip(*(column.to_list() for column in frame), strict=True)


def _found(cursor: sqlite3.Cursor) -> Reader:
    return slots(np.array(cursor.fetchall(), np.int64).reshape(-1))
