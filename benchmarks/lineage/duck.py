"""DuckDB, over tables of its own and over the lake's Parquet files, as a good user asks it.

The rounds are in order, so each question goes round by round and reads every edge at most once; a
recursive query over all edges reads them as often as there are steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage import queries
from benchmarks.lineage.engine import Engine, Reader, Result, size, slots
from benchmarks.lineage.world import REAL_WEIGHT
from lineage.schema import ID_BYTES

MEMORY: Final = "8GB"
MOST: Final = b"\xff"
NODES: Final = """
CREATE OR REPLACE {kind} nodes AS
SELECT (round * {stride} + row)::INTEGER AS slot, round::SMALLINT AS round, mix, sample_id,
    CASE WHEN round = 0 THEN {real} WHEN decision = 'accepted' THEN 1 ELSE 0 END::FLOAT AS mass
FROM read_parquet('{home}/lineage/*/*.parquet', hive_partitioning = false) AS lineage
LEFT JOIN read_parquet('{home}/decisions/*/*.parquet', hive_partitioning = false) AS decisions
    USING (round, row)
LEFT JOIN mixes ON trained_on = digest
"""
EDGES: Final = """
CREATE OR REPLACE {kind} edges AS
SELECT round, row, (round * {stride} + row)::INTEGER AS child,
    (parent.round * {stride} + parent.row)::INTEGER AS parent, parent.weight AS weight
FROM (
    SELECT round::SMALLINT AS round, row, unnest(parents) AS parent
    FROM read_parquet('{home}/lineage/*/*.parquet', hive_partitioning = false) AS lineage)
"""
ABOVE: Final = "FROM (SELECT parent AS slot FROM edges WHERE round = {round} AND row IN ({rows}))"
REACH: Final = """
INSERT INTO reached
SELECT DISTINCT child FROM edges
WHERE round = $round AND parent IN (SELECT slot FROM reached)
"""


@dataclass(slots=True)
class Parquet(Engine):
    """DuckDB over the lake's Parquet files, as they are."""

    connection: duckdb.DuckDBPyConnection = field(init=False)

    def prepare(self) -> None:
        """Make the views."""
        self.name = "DuckDB over the lake's Parquet"
        self._open()
        self._make("VIEW")

    def find(self, prefix: str) -> Reader:
        """Read the ids."""
        low = bytes.fromhex(prefix)
        asked = {"low": low, "high": low.ljust(ID_BYTES, MOST)}
        return slots(self._slots("FROM nodes WHERE sample_id BETWEEN $low AND $high", asked))

    def ancestors(self, slot: int) -> Reader:
        """Go back round by round; only the row groups with the few children are read."""
        wanted, found = {slot}, set[int]()
        for number in range(slot // self.world.stride, 0, -1):
            start = number * self.world.stride
            children = [each for each in wanted if each >= start]
            if children:
                parents = self._slots(self._above(number, children), {}).tolist()
                wanted = wanted.difference(children).union(parents)
                found.update(parents)
        return slots(np.fromiter(found, np.int64, len(found)))

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Go forward round by round."""
        made = "CREATE OR REPLACE TEMP TABLE reached AS SELECT unnest($starts)::INTEGER AS slot"
        self._run(made, {"starts": starts})
        for number in range(1, self.world.rounds):
            self._run(REACH, {"round": number})
        found = self._slots("FROM reached WHERE slot >= $stride", {"stride": self.world.stride})
        return slots(found)

    def derive(self) -> Reader:
        """Derive round by round, into a table."""
        queries.derive(self._run, self.world)
        return self._derived

    def _open(self) -> None:
        self.connection = duckdb.connect(self.scratch / "duck.db")
        self._run(f"SET memory_limit = '{MEMORY}'")
        self._run("SET preserve_insertion_order = false")
        self._run("SET enable_progress_bar = false")
        self._run("CREATE TABLE mixes (mix SMALLINT, digest VARCHAR)")
        known = [(number, digest) for number, digest, _, _ in self.world.mixes()]
        self.connection.executemany("INSERT INTO mixes VALUES (?, ?)", known)

    def _make(self, kind: str) -> None:
        given = {"kind": kind, "stride": self.world.stride, "home": self.world.home}
        for statement in (NODES, EDGES):
            self._run(statement.format(real=REAL_WEIGHT, **given))

    def _above(self, number: int, children: list[int]) -> str:
        rows = ", ".join(str(child % self.world.stride) for child in children)
        return ABOVE.format(round=number, rows=rows)

    def _run(self, query: str, given: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(query, dict(given or {}))

    def _slots(self, query: str, given: Mapping[str, Any]) -> NDArray[Any]:
        return np.asarray(self._run(f"SELECT slot {query}", given).fetchnumpy()["slot"])

    def _derived(self) -> Result:
        found: dict[str, Any] = self._run(queries.READ).fetchnumpy()
        return {name: np.ma.filled(each.astype(float), np.nan) for name, each in found.items()}


@dataclass(slots=True)
class Native(Parquet):
    """DuckDB with tables of its own."""

    def prepare(self) -> None:
        """Open a database file."""
        self.name = "DuckDB, own tables"
        self._open()

    def build(self) -> Reader:
        """Take nodes and edges out of the lake's Parquet files."""
        self._make("TABLE")
        rows, edges = self._run(queries.COUNT).fetchall()[0]
        return size(rows, edges)
