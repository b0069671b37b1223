"""A world's lineage as flat arrays over slots: what the floor and the peers without tables need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.world import REAL_WEIGHT, World
from lineage import schema

OPAQUE: Final = 0
"""Number of the mix of a row that has none: real, or of an opaque model."""


@dataclass(frozen=True, slots=True)
class Flat:
    """The graph of a world; a slot that no row has has neither edges nor mass."""

    offsets: NDArray[np.int64]
    """[slots + 1]: where the edges of each child begin."""
    parents: NDArray[np.int32]
    """[edges]: slot of each parent, by child."""
    weights: NDArray[np.float32]
    """[edges]."""
    mix: NDArray[np.int16]
    """[slots]: round whose model made the row; 0 for real rows and those of opaque models."""
    mass: NDArray[np.float32]
    """[slots]: weight of the row in a mix that holds its round; 0 unless it was accepted."""
    present: NDArray[np.bool_]
    """[slots]: whether there is a row."""
    first: NDArray[np.int32]
    """[rounds]: the first round that each round's mix holds; the last is the one before it."""


def read(world: World) -> Flat:
    """Read the whole graph."""
    counts = np.zeros(world.slots, np.int64)
    mix = np.zeros(world.slots, np.int16)
    mass = np.zeros(world.slots, np.float32)
    present = np.zeros(world.slots, np.bool_)
    parents, weights = [], []
    for number in range(world.rounds):
        rows, edges = tables(world, number)
        slot = rows["slot"].to_numpy()
        counts[slot] = rows["count"].to_numpy()
        mix[slot] = rows["mix"].to_numpy()
        mass[slot] = rows["mass"].to_numpy()
        present[slot] = True
        parents.append(edges["parent"].to_numpy())
        weights.append(edges["weight"].to_numpy())
    return Flat(
        np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        np.concatenate(parents),
        np.concatenate(weights),
        mix,
        mass,
        present,
        np.array([0, *(first for _, _, first, _ in world.mixes())], np.int32),
    )


def tables(world: World, number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the rows and the edges of a round.

    Returns:
        slot, mix, mass, count (of parents), in order; and child, parent, weight, by child.
    """
    digest = world.mix(number).digest if number else ""
    base = number * world.stride
    known = (
        world.lineage(number)
        .select("row", "trained_on", "parents")
        .collect()
        .sort("row")
        .with_columns(
            (pl.col("row") + base).cast(pl.Int32).alias("slot"),
            pl.when(pl.col("trained_on") == digest).then(number).otherwise(OPAQUE).alias("mix"),
        )
    )
    rows = known.select(
        "slot", pl.col("mix").cast(pl.Int16), pl.col("parents").list.len().alias("count")
    )
    return rows.with_columns(_mass(world, number, known)), _edges(world, known)


def _mass(world: World, number: int, known: pl.DataFrame) -> pl.Series:
    """The weight of each row in a mix."""
    if not number:
        return pl.repeat(REAL_WEIGHT, len(known), dtype=pl.Float32, eager=True).alias("mass")
    decided = known.select("row").join(
        world.decisions(number).collect(), on="row", how="left", maintain_order="left"
    )
    return (decided["decision"] == "accepted").cast(pl.Float32).alias("mass")


def _edges(world: World, known: pl.DataFrame) -> pl.DataFrame:
    listed = known.select(pl.col("slot").alias("child"), pl.col("parents").cast(schema.PARENTS))
    parent = pl.col("parents").struct
    slot = parent.field("round").cast(pl.Int64) * world.stride + parent.field("row")
    return listed.explode("parents", empty_as_null=False).select(
        "child", slot.cast(pl.Int32).alias("parent"), parent.field("weight")
    )
