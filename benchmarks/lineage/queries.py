"""The derivation in SQL, round by round, as DuckDB and SQLite both understand it.

Tables: nodes (slot, round, mix, mass, sample_id), edges (child, parent, weight, and round where no
key finds a range of children) and, filled here, derived and totals, the sums over each round's
accepted rows from which the mixes follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchmarks.lineage.world import World
from lineage.edges import TOLERANCE

Run = Callable[[str, Mapping[str, float]], Any]
"""Runs a statement with named parameters."""

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
DERIVE: Final = f"""
INSERT INTO derived
WITH links AS (
    SELECT child, CAST(weight AS DOUBLE) AS weight, "real", real_roots,
        coalesce(depth_mean, 0) AS mean, CASE WHEN weight > 0 THEN depth_min END AS low,
        CASE WHEN weight > 0 THEN depth_max END AS high
    FROM edges JOIN derived ON derived.slot = edges.parent
    WHERE {{edges}}
), summed AS (
    SELECT child, sum(weight) AS weight, sum(weight * "real") AS "real",
        sum(weight * real_roots) AS ending, sum(weight * real_roots * (1 + mean)) AS length,
        min(low) AS low, max(high) AS high
    FROM links GROUP BY child
), mixed AS (
    SELECT sum("real") / sum(weight) AS "real", sum(ending) / sum(weight) AS ending,
        sum(length) / sum(weight) AS length, min(depth_min) AS low, max(depth_max) AS high
    FROM totals WHERE round >= $first AND round < $round
), rests AS (
    SELECT slot, mass, summed.*,
        CASE WHEN mix IS NOT NULL AND 1 - coalesce(summed.weight, 0) > {TOLERANCE}
            THEN 1 - coalesce(summed.weight, 0) ELSE 0 END AS rest
    FROM nodes LEFT JOIN summed ON child = slot WHERE {{nodes}}
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
SUM_UP: Final = """
INSERT INTO totals
SELECT $round, sum(CAST(mass AS DOUBLE)), sum(CAST(mass AS DOUBLE) * "real"),
    sum(CAST(mass AS DOUBLE) * real_roots),
    sum(CAST(mass AS DOUBLE) * real_roots * coalesce(depth_mean, 0)),
    min(depth_min), max(depth_max)
FROM derived WHERE mass > 0 AND slot >= $start AND slot < $stop
"""


def derive(run: Run, world: World, *, keyed: bool = False) -> None:
    """Fill `derived`; `keyed`: tables have a key, by which a range of slots is found."""
    for statement in CREATE:
        run(statement.format(key="PRIMARY KEY" if keyed else ""), {})
    kinds = {"edges": "child", "nodes": "slot"}
    ranges = {name: f"{key} >= $start AND {key} < $stop" for name, key in kinds.items()}
    one_round = DERIVE.format(**(ranges if keyed else dict.fromkeys(kinds, "round = $round")))
    mixes = {number: first for number, _, first, _ in world.mixes()}
    for number in range(world.rounds):
        start = number * world.stride
        own = {"round": number, "start": start, "stop": start + world.stride}
        if number:
            used = {name: own[name] for name in (("round", *own) if keyed else ("round",))}
            run(one_round, {**used, "first": mixes[number]})
        run(SUM_UP, own)
