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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.world import DATASET, REAL_WEIGHT, World, checksum
from lineage import edges, schema
from lineage.manifest import MixManifest, RoundPart

_STATE: Final = np.dtype([("roots", "f4"), ("mean", "f4"), ("low", "i2"), ("high", "i2")])
"""Stored values of a row; mean is NaN and depths are -1 where no walk ends at a real sample."""
_OPAQUE: Final = 0.05
_MOSTLY_OPAQUE: Final = 0.5
_EDITED: Final = 0.1
_REJECTED: Final = 0.1
_COPIES: Final = 0.02
_NONE: Final = -1
_MOST: Final = np.iinfo(np.int16).max

Said = Callable[[int], None]


@dataclass(slots=True)
class _Total:
    """Sums over the accepted rows of a round, by their weight in a mix."""

    rows: int = 0
    weight: float = 0.0
    real: float = 0.0
    ending: float = 0.0
    length: float = 0.0
    low: int | None = None
    high: int | None = None


@dataclass(slots=True)
class _Memory:
    """What later rounds need of the earlier ones."""

    state: NDArray[Any]
    accepted: NDArray[np.int32]
    count: int = 0
    totals: list[_Total] = field(default_factory=list)


def generate(home: Path, *, rounds: int, rows: int, seed: int = 7, said: Said | None = None) -> World:
    """Write a world.

    Args:
        home: a directory for it.
        rounds: how many, the real one included.
        rows: of each round.
        seed: everything follows from it.
        said: is told of each round that is written.
    """
    home.mkdir(parents=True, exist_ok=True)
    world = World(home, rounds, rows, seed)
    memory = _Memory(np.zeros(world.slots, _STATE), np.empty(rounds * rows, np.int32))
    for number in range(rounds):
        write = _synthetic if number else _real
        write(world, memory, number)
        if said is not None:
            said(number)
    world.save()
    return world


def _real(world: World, memory: _Memory, number: int) -> None:
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
    memory.totals.append(_Total(count, weight, weight, weight, 0.0, 0, 0))
    _write_lineage(world, number, row, row, columns)


def _synthetic(world: World, memory: _Memory, number: int) -> None:
    """Write a synthetic round, its decisions and the manifest of its mix."""
    rng = np.random.default_rng([world.seed, number])
    count = world.rows
    row = np.arange(count)
    parents = memory.accepted[rng.integers(0, memory.count, (count, 2))]
    weights = rng.integers(0, 5, (count, 2)).astype(np.float32) / 8
    opaque = rng.random(count) < (_OPAQUE if number % 4 else _MOSTLY_OPAQUE)
    edited = rng.random(count) < _EDITED
    copies = (rng.random(count) < _COPIES) & (parents[:, 0] < world.stride)
    accepted = (rng.random(count) >= _REJECTED) & ~copies
    manifest = _manifest(memory, number)
    derived = _derive(world, memory, parents, weights, opaque, manifest)
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
    _remember(memory, slot, derived, accepted)
    _write_lineage(world, number, row, np.where(copies, parents[:, 0], slot), columns)
    _write_decisions(world, number, accepted, copies)
    world.mix_file(number).parent.mkdir(parents=True, exist_ok=True)
    world.mix_file(number).write_text(manifest.model_dump_json(), encoding="utf-8")


def _derive(
    world: World,
    memory: _Memory,
    parents: NDArray[np.int32],
    weights: NDArray[np.float32],
    opaque: NDArray[np.bool_],
    manifest: MixManifest,
) -> dict[str, pl.Series]:
    """The derived columns, from the parents' stored values as `lineage.record` derives them."""
    stored, weight = memory.state[parents], weights.astype(np.float64)
    left = 1.0 - weight.sum(axis=1)
    rest = np.where(left > edges.TOLERANCE, left, 0.0)
    from_mix = np.where(opaque, 0.0, rest)
    roots = weight * stored["roots"]
    drawn = from_mix * manifest.real_roots
    ending = roots.sum(axis=1) + drawn
    mean = np.nan_to_num(stored["mean"].astype(np.float64))
    length = (roots * (1 + mean)).sum(axis=1) + drawn * (1 + (manifest.depth_mean or 0.0))
    real = (weight * (parents < world.stride)).sum(axis=1) + from_mix * manifest.real_share
    counted = (weights > 0) & (stored["low"] >= 0)
    low = np.where(counted, stored["low"], np.int16(_MOST)).min(axis=1)
    high = np.where(counted, stored["high"], np.int16(_NONE)).max(axis=1)
    if manifest.depth_min is not None:
        low = np.where(from_mix > 0, np.minimum(low, manifest.depth_min), low)
        high = np.where(from_mix > 0, np.maximum(high, manifest.depth_max or 0), high)
    none = pl.Series(high < 0)
    return {
        "real_inputs": pl.Series(real.clip(0, 1), dtype=pl.Float32),
        "real_roots": pl.Series(ending.clip(0, 1), dtype=pl.Float32),
        "depth_mean": _null(pl.Series(length / np.where(ending > 0, ending, 1)), none, pl.Float32),
        "depth_min": _null(pl.Series(low.astype(np.int64) + 1), none, pl.Int32),
        "depth_max": _null(pl.Series(high.astype(np.int64) + 1), none, pl.Int32),
    }


def _null(values: pl.Series, where: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    return values.set(where, None).cast(dtype)


def _remember(
    memory: _Memory, slot: NDArray[np.int64], derived: dict[str, pl.Series], kept: NDArray[np.bool_]
) -> None:
    """Keep what later rounds need of this one."""
    state = np.empty(len(slot), _STATE)
    state["roots"] = derived["real_roots"].to_numpy()
    state["mean"] = derived["depth_mean"].fill_null(float("nan")).to_numpy()
    state["low"] = derived["depth_min"].fill_null(_NONE).to_numpy()
    state["high"] = derived["depth_max"].fill_null(_NONE).to_numpy()
    memory.state[slot] = state
    drawn, end = slot[kept], memory.count + int(kept.sum())
    memory.accepted[memory.count : end] = drawn
    memory.count = end
    memory.totals.append(_total(state[kept]))


def _total(state: NDArray[Any]) -> _Total:
    roots = state["roots"].astype(np.float64)
    length = roots * np.nan_to_num(state["mean"].astype(np.float64))
    known = state[state["low"] >= 0]
    return _Total(
        rows=len(state),
        weight=float(len(state)),
        ending=float(roots.sum()),
        length=float(length.sum()),
        low=int(known["low"].min()) if len(known) else None,
        high=int(known["high"].max()) if len(known) else None,
    )


def _manifest(memory: _Memory, number: int) -> MixManifest:
    """Describe the mix of a round: the last round alone each fifth time, else all before."""
    replaced = number % 5 == 0
    first = number - 1 if replaced else 0
    parts = memory.totals[first:]
    weight, ending = (sum(getattr(part, name) for part in parts) for name in ("weight", "ending"))
    lows = [part.low for part in parts if part.low is not None]
    highs = [part.high for part in parts if part.high is not None]
    return MixManifest(
        dataset=DATASET,
        commit=f"{number - 1:064x}",
        regime="replace" if replaced else "accumulate",
        rounds=tuple(
            RoundPart(round=first + at, accepted=part.rows, rows=part.rows, weight=part.weight)
            for at, part in enumerate(parts)
        ),
        rows=sum(part.rows for part in parts),
        real_weight=REAL_WEIGHT,
        real_share=sum(part.real for part in parts) / weight,
        real_roots=min(ending / weight, 1.0),
        depth_mean=sum(part.length for part in parts) / ending if ending else None,
        depth_min=min(lows, default=None),
        depth_max=max(highs, default=None),
    )


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
    word = content.astype(np.uint64)[:, None] * np.uint64(4) + np.arange(4, dtype=np.uint64)
    word = (word + np.uint64(seed << 40)) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    data = pl.Series(np.ascontiguousarray(word).view("V32").ravel().tolist(), dtype=pl.Binary)
    return data
