"""The derivation in SQL, round by round, as DuckDB and SQLite both understand it.

Tables: nodes (slot, round, mix, mass, sample_id), edges (child, parent, weight, and round where no
key finds a range of children) and, filled here, derived and totals, the sums over each round's
accepted rows from which the mixes follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from benchmarks.lineage.world import World
from lineage.edges import TOLERANCE

KEYED: Final = {
    "edges": "child >= {start} AND child < {stop}",
    "nodes": "slot >= {start} AND slot < {stop}",
}
SCANNED: Final = {"edges": "edges.round = {round}", "nodes": "nodes.round = {round}"}
"""How a round's rows are found."""
CREATE: Final = (
    "DROP TABLE IF EXISTS derived",
    "DROP TABLE IF EXISTS totals",
    """
    CREATE TABLE derived (
        slot INTEGER {key}, "real" INTEGER, mass REAL, real_inputs DOUBLE, real_roots DOUBLE,
        depth_mean DOUBLE, depth_min INTEGER, depth_max INTEGER)
    """,
    """
    CREATE TABLE totals (
        round INTEGER, weight DOUBLE, "real" DOUBLE, ending DOUBLE, length DOUBLE,
        depth_min INTEGER, depth_max INTEGER)
    """,
    "INSERT INTO derived SELECT slot, 1, mass, 1, 1, 0, 0, 0 FROM nodes WHERE round = 0",
)
DERIVE: Final = """
INSERT INTO derived
WITH links AS (
    SELECT child, CAST(weight AS DOUBLE) AS weight, "real", real_roots,
        coalesce(depth_mean, 0) AS mean, CASE WHEN weight > 0 THEN depth_min END AS low,
        CASE WHEN weight > 0 THEN depth_max END AS high
    FROM edges JOIN derived ON derived.slot = edges.parent
    WHERE {edges}
), summed AS (
    SELECT child, sum(weight) AS weight, sum(weight * "real") AS "real",
        sum(weight * real_roots) AS ending, sum(weight * real_roots * (1 + mean)) AS length,
        min(low) AS low, max(high) AS high
    FROM links GROUP BY child
), mixed AS (
    SELECT sum("real") / sum(weight) AS "real", sum(ending) / sum(weight) AS ending,
        sum(length) / sum(weight) AS length, min(depth_min) AS low, max(depth_max) AS high
    FROM totals WHERE round >= {first} AND round < {round}
), rests AS (
    SELECT slot, mass, summed.*,
        CASE WHEN mix IS NOT NULL AND 1 - coalesce(summed.weight, 0) > {tolerance}
            THEN 1 - coalesce(summed.weight, 0) ELSE 0 END AS rest
    FROM nodes LEFT JOIN summed ON child = slot WHERE {nodes}
), complete AS (
    SELECT slot, mass, coalesce(rests."real", 0) + rest * mixed."real" AS "real",
        coalesce(rests.ending, 0) + rest * mixed.ending AS ending,
        coalesce(rests.length, 0) + rest * (mixed.ending + mixed.length) AS length,
        rests.low AS low, CASE WHEN rest > 0 THEN mixed.low END AS mix_low,
        rests.high AS high, CASE WHEN rest > 0 THEN mixed.high END AS mix_high
    FROM rests CROSS JOIN mixed
)
SELECT slot, 0, mass, "real", ending, CASE WHEN ending > 0 THEN length / ending END,
    CASE WHEN mix_low < coalesce(low, mix_low + 1) THEN mix_low ELSE low END + 1,
    CASE WHEN mix_high > coalesce(high, mix_high - 1) THEN mix_high ELSE high END + 1
FROM complete
"""
READ: Final = """
SELECT slot, real_inputs, real_roots, depth_mean, depth_min, depth_max FROM derived ORDER BY slot
"""
COUNT: Final = "SELECT (SELECT count(*) FROM nodes), (SELECT count(*) FROM edges)"
SUM_UP: Final = """
INSERT INTO totals
SELECT {round}, sum(CAST(mass AS DOUBLE)), sum(CAST(mass AS DOUBLE) * "real"),
    sum(CAST(mass AS DOUBLE) * real_roots),
    sum(CAST(mass AS DOUBLE) * real_roots * coalesce(depth_mean, 0)),
    min(depth_min), max(depth_max)
FROM derived WHERE mass > 0 AND slot >= {start} AND slot < {stop}
"""


def derive(run: Callable[[str], Any], world: World, *, keyed: bool = False) -> None:
    """Fill `derived`; `keyed`: tables have a key, by which a range of slots is found."""
    for statement in CREATE:
        run(statement.format(key="PRIMARY KEY" if keyed else ""))
    chosen = KEYED if keyed else SCANNED
    mixes = {number: first for number, _, first, _ in world.mixes()}
    for number in range(world.rounds):
        start = number * world.stride
        own = {"round": number, "start": start, "stop": start + world.stride}
        if number:
            where = {table: rule.format(**own) for table, rule in chosen.items()}
            run(DERIVE.format(first=mixes[number], tolerance=TOLERANCE, **own, **where))
        run(SUM_UP.format(**own))
