"""What is measured: the works, what each is given at each repeat, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.world import World

STARTS: Final = 1000
DIGITS: Final = 16
OFTEN: Final = 5
"""How much oftener a work is repeated that takes no time and begins elsewhere each time."""


@dataclass(frozen=True, slots=True)
class Work:
    """One measured work."""

    key: str
    method: str
    title: str
    given: Callable[[int], tuple[Any, ...]]
    """What a repeat is given."""
    often: int = 1


def works(world: World, repeats: int) -> Iterator[Work]:
    """All works, the heaviest last."""
    last = world.rounds - 1
    chosen = samples(world, last, repeats * OFTEN)
    real = starts(world)
    count = f"{len(real):,} real samples"
    yield Work("build", "build", "build from the lake's Parquet", lambda _: ())
    yield Work(
        "extend-first", "extend", "extension of a lake of 1 round by a round", lambda _: (2,)
    )
    title = f"extension of a lake of {last} rounds by a round"
    yield Work("extend-last", "extend", title, lambda _: (world.rounds,))
    yield Work("open", "open", "opening", lambda _: ())
    title = f"a sample by {DIGITS} digits of its id"
    yield Work("find", "find", title, lambda repeat: (chosen[repeat][1].hex()[:DIGITS],), OFTEN)
    title = "ancestors of one sample"
    yield Work("ancestors", "ancestors", title, lambda repeat: (chosen[repeat][0],), OFTEN)
    yield Work("descendants", "descendants", f"descendants of {count}", lambda _: (real,))
    yield Work("indirect", "indirect", f"indirect descendants of {count}", lambda _: (real,))
    yield Work("derive", "derive", "derivation of the whole lake", lambda _: ())


def samples(world: World, number: int, count: int) -> list[tuple[int, bytes]]:
    """Slots and ids of samples of a round, spread over it."""
    step = max(world.rows // count, 1)
    chosen = (
        world.lineage(number)
        .select(pl.col("row") + number * world.stride, "sample_id")
        .gather_every(step)
        .collect()
    )
    rows = chosen.rows()
    return [rows[position % len(rows)] for position in range(count)]


def starts(world: World) -> NDArray[np.int64]:
    """Slots of real samples, spread over round 0."""
    real = world.lineage(0).select("row").collect()["row"].to_numpy()
    step = max(len(real) // STARTS, 2)
    return real[::step][:STARTS]
