"""Make a world of lineage, round by round, in memory that does not hold the files.

Each candidate has two explicit parents, drawn from all earlier accepted rows, with weights in
eighths that leave something to its model more often than not. A twentieth of the rows, in each
fourth round half of them, come from an opaque model, and some have only parents of weight 0, so no
derived column is constant and depths are missing here and there. A tenth is rejected. A few rows
copy their real parent and are decided to be duplicates. Each fifth round is fitted on the last
round alone, the others on everything before them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.memory import STATE, Memory, Total, derive, describe, remember
from benchmarks.lineage.world import DATASET, REAL_WEIGHT, World, checksum
from lineage import schema

_OPAQUE: Final = 0.05
_MOSTLY_OPAQUE: Final = 0.5
_EDITED: Final = 0.1
_REJECTED: Final = 0.1
_COPIES: Final = 0.02


def generate(home: Path, *, rounds: int, rows: int, seed: int = 7) -> World:
    """Write a world.

    Args:
        home: a directory for it.
        rounds: how many, the real one included.
        rows: of each round.
        seed: everything follows from it.
    """
    home.mkdir(parents=True, exist_ok=True)
    world = World(home, rounds, rows, seed)
    memory = Memory(np.zeros(world.slots, STATE), np.empty(rounds * rows, np.int32))
    for number in range(rounds):
        write = _synthetic if number else _real
        write(world, memory, number)
    world.save()
    return world


def _real(world: World, memory: Memory, number: int) -> None:
    """Write round 0: real rows with gaps between them."""
    rng = np.random.default_rng([world.seed, number])
    row = np.sort(rng.choice(world.stride, world.rows, replace=False, shuffle=False))
    count = world.rows
    columns = {
        "kind": pl.repeat("real", count, eager=True),
        "parents": pl.repeat([], count, dtype=schema.PARENTS, eager=True),
        "source": pl.repeat("https://example.org/real", count, eager=True),
        "licence": pl.repeat("CC-BY-4.0", count, eager=True),
        "real_inputs": np.ones(count, np.float32),
        "real_roots": np.ones(count, np.float32),
        "depth_mean": np.zeros(count, np.float32),
        "depth_min": np.zeros(count, np.int32),
        "depth_max": np.zeros(count, np.int32),
    }
    memory.state["roots"][row] = 1
    memory.accepted[:count] = row
    memory.count = count
    weight = count * REAL_WEIGHT
    memory.totals.append(Total(count, weight, weight, weight, 0.0, 0, 0))
    _write_lineage(world, number, row, row, columns)


def _synthetic(world: World, memory: Memory, number: int) -> None:
    """Write a synthetic round, its decisions and the manifest of its mix."""
    rng = np.random.default_rng([world.seed, number])
    count = world.rows
    row = np.arange(count)
    parents = memory.accepted[rng.integers(0, memory.count, (count, 2))]
    weights = (rng.integers(0, 5, (count, 2)) / 8).astype(np.float32)
    opaque = rng.random(count) < (_OPAQUE if number % 4 else _MOSTLY_OPAQUE)
    edited = rng.random(count) < _EDITED
    copies = (rng.random(count) < _COPIES) & (parents[:, 0] < world.stride)
    accepted = (rng.random(count) >= _REJECTED) & ~copies
    manifest = describe(memory, number)
    derived = derive(world, memory, parents, weights, opaque, manifest)
    columns = {
        "kind": pl.Series(np.where(edited, "edited", "synthetic")),
        "parents": _parents(world, parents, weights, edited),
        "generator": pl.Series(np.where(opaque, "0" * 64, f"{number:064x}")),
        "attribution": pl.repeat("eighths/1", count, eager=True),
        "trained_on": pl.Series(np.where(opaque, "", manifest.digest)).replace("", None),
        "seed": np.full(count, 1000 + number),
        "shard": (row // 10_000).astype(np.int32),
        **derived,
    }
    slot = number * world.stride + row
    remember(memory, slot, derived, accepted)
    _write_lineage(world, number, row, np.where(copies, parents[:, 0], slot), columns)
    _write_decisions(world, number, accepted, copies)
    world.mix_file(number).parent.mkdir(parents=True, exist_ok=True)
    world.mix_file(number).write_text(manifest.model_dump_json(), encoding="utf-8")


def _parents(
    world: World,
    parents: NDArray[np.int32],
    weights: NDArray[np.float32],
    edited: NDArray[np.bool_],
) -> pl.Series:
    """Two parents for each row, the first perhaps edited."""
    relation = np.zeros(parents.shape, np.uint8)
    relation[:, 0] = edited
    flat = pl.DataFrame(
        {
            "dataset": pl.repeat(DATASET, parents.size, eager=True),
            "round": (parents // world.stride).ravel(),
            "row": (parents % world.stride).ravel().astype(np.int64),
            "relation": pl.Series(relation.ravel()).cat.to(pl.Enum(schema.RELATIONS)),
            "weight": weights.ravel(),
        }
    )
    return flat.to_struct("parents").reshape((len(parents), 2)).cast(schema.PARENTS)


def _write_lineage(
    world: World,
    number: int,
    row: NDArray[np.int64],
    content: NDArray[np.int64],
    columns: dict[str, Any],
) -> None:
    """Write the lineage of a round; `content` is the slot whose content a row has."""
    known = {
        "round": np.full(len(row), number, np.int32),
        "row": row,
        "sample_id": sample_ids(content, world.seed),
        **columns,
    }
    absent = [name for name in schema.LINEAGE if name not in known]
    frame = pl.DataFrame(known).with_columns(
        pl.lit(None, schema.LINEAGE[name]).alias(name) for name in absent
    )
    whole = schema.conform(frame, schema.LINEAGE, required=schema.LINEAGE_REQUIRED)
    _write(whole, world.part("lineage", number))


def _write_decisions(
    world: World, number: int, accepted: NDArray[np.bool_], copies: NDArray[np.bool_]
) -> None:
    refused = np.where(copies, "duplicate", "rejected")
    frame = pl.DataFrame(
        {
            "round": np.full(len(accepted), number, np.int32),
            "row": np.arange(len(accepted)),
            "decision": np.where(accepted, "accepted", refused),
        }
    )
    _write(frame, world.part("decisions", number))


def _write(frame: pl.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True)
    frame.write_parquet(file)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    checksum(file).write_text(digest, encoding="ascii")


def sample_ids(content: NDArray[np.int64], seed: int) -> pl.Series:
    """Sample ids that stand for contents: 4 words of SplitMix64 (Steele, Lea & Flood 2014)."""
    counted = content[:, None] * 4 + np.arange(4) + (seed << 40)
    word = counted.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return pl.Series(word.view("V32").ravel().tolist(), dtype=pl.Binary)
