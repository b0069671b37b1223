"""Our index, asked as `stemma` asks it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.engine import DERIVED, Engine, Reader, Result, size, slots
from benchmarks.lineage.generate import generate
from benchmarks.lineage.world import DATASET, World
from lineage.ancestry import walks
from lineage.ancestry.derive import derive
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.segments import Segment

WARM: Final = 50
"""Rows a round of the world that everything is tried on before it is measured."""

Rounds = list[tuple[Segment, pl.DataFrame]]


@dataclass(slots=True)
class Stemma(Engine):
    """The index of a world, in a directory of its own."""

    index: Ancestry = field(init=False)
    place: NDArray[np.int64] = field(init=False)
    """[rows]: the slot of each number."""
    start: NDArray[np.int64] = field(init=False)
    """Numbers of the slots that the next work begins with."""
    ready: dict[int, set[Path]] = field(init=False, default_factory=dict)
    """What the index of so many rounds consists of."""

    def prepare(self) -> None:
        """Warm up, and number the rows."""
        self.name = "stemma"
        warm_up(self.scratch / "warm")
        self.number()

    def number(self) -> None:
        """Number the rows as the index does: by round, then by row."""
        world = self.world
        rows = (
            world.lineage(number).select("row").collect()["row"] for number in range(world.rounds)
        )
        slot = [
            np.sort(rows_of_round.to_numpy()) + number * world.stride
            for number, rows_of_round in enumerate(rows)
        ]
        self.place = np.concatenate(slot)

    def before(self, work: str, *given: Any) -> None:  # noqa: ANN401  a work's own arguments
        """Remove what is to be built; number the slots that are asked about."""
        if work == "build":
            shutil.rmtree(self._cache("whole"), ignore_errors=True)
        elif work == "extend":
            self._shorten(given[0])
        elif work in {"ancestors", "descendants", "indirect"}:
            self.start = np.searchsorted(self.place, np.atleast_1d(given[0]))

    def build(self) -> Reader:
        """Build the index from the lake's Parquet files."""
        return self.open()

    def extend(self, rounds: int) -> Reader:
        """Open the index of so many rounds where that of one fewer is at hand."""
        index = open_index(self._cache(f"{rounds}"), self.world.sources(rounds))
        return size(index.rows, index.edges)

    def open(self) -> Reader:
        """Open the index of all rounds."""
        self.index = open_index(self._cache("whole"), self.world.sources())
        return size(self.index.rows, self.index.edges)

    def find(self, prefix: str) -> Reader:
        """Look an id up."""
        return self._slots(self.index.find(prefix))

    def ancestors(self, _slot: int) -> Reader:
        """Go back."""
        nodes = walks.ancestors(self.index, self.start).nodes
        above = nodes.filter(pl.col("steps") > 0)["number"].to_numpy()
        return self._slots(above)

    def descendants(self, _slots: NDArray[np.int64]) -> Reader:
        """Go forward."""
        return self._slots(walks.descendants(self.index, self.start, include_indirect=False).direct)

    def indirect(self, _slots: NDArray[np.int64]) -> Reader:
        """Go forward, through mixes too."""
        return self._slots(walks.descendants(self.index, self.start).indirect)

    def derive(self) -> Reader:
        """Open the index and derive every column."""
        self.open()
        done = list(derive(self.index))
        return lambda: _read(self.world, done)

    def _cache(self, name: str) -> Path:
        return self.scratch / "ancestry" / name

    def _shorten(self, rounds: int) -> None:
        """Have the index of all but the last of so many rounds, and no more."""
        cache = self._cache(f"{rounds}")
        if rounds not in self.ready:
            open_index(cache, self.world.sources(rounds - 1))
            self.ready[rounds] = set(cache.iterdir())
        for added in set(cache.iterdir()) - self.ready[rounds]:
            shutil.rmtree(added) if added.is_dir() else added.unlink()

    def _slots(self, numbers: NDArray[np.int64]) -> Reader:
        return slots(self.place[numbers])


def warm_up(home: Path) -> None:
    """Do everything once at a small size, in a new directory, so that kernels are compiled."""
    small = Stemma(generate(home, rounds=3, rows=WARM), home)
    small.number()
    small.build()
    for work, *given in (
        ("descendants", small.place[:2]),
        ("indirect", small.place[:2]),
        ("derive",),
    ):
        small.before(work, *given)
        getattr(small, work)(*given)
    shutil.rmtree(home)


def _read(world: World, done: Rounds) -> Result:
    """Put the rounds one after the other."""
    whole = pl.concat(
        [
            rows.with_columns(slot=pl.col("row") + segment.round * world.stride)
            for segment, rows in done
            if segment.dataset == DATASET
        ]
    )
    values = whole.select(pl.col("slot", *DERIVED).cast(pl.Float64).fill_null(float("nan")))
    return {column.name: column.to_numpy() for column in values}
