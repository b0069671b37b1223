"""The real digits of a seed: what trains, what is withheld as candidates, what judges and measures.

The withheld rows are what an ideal generator would make: real rows that nothing else saw. Most
crafted rounds are made from them. The test rows measure harm; neither suite nor guard sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.digits import DATASET, ROOT, World
from expectations import suite as suites
from expectations.suite import Suite
from pipelines import params
from pipelines.common.seeds import derive_seed
from pipelines.features import images

VALIDATION: Final = 0.22
TEST: Final = 0.17
WITHHELD: Final = 0.41
"""Share of the rows that train in the split, which are candidates instead."""
SIDE: Final = 8

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Images [n, 64] in [0, 1] and the labels that they are given [n]."""

    pixels: Pixels
    labels: Labels
    crafted: NDArray[np.bool_]
    """Whether a row was made to break the guard, [n]."""
    parents: pl.DataFrame | None = None
    """Explicit parents of rows, by their numbers, as `lineage.edges.PARENT`."""

    @classmethod
    def of(cls, pixels: Pixels, labels: Labels, *, crafted: bool = False) -> Rows:
        """Make rows that are all crafted, or none."""
        return cls(pixels, labels, np.full(len(labels), crafted))

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Select rows."""
        return Rows(self.pixels[rows], self.labels[rows], self.crafted[rows])

    def joined(self, other: Rows) -> Rows:
        """Append other rows."""
        return Rows(
            np.concatenate([self.pixels, other.pixels]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.crafted, other.crafted]),
        )


@dataclass(frozen=True)
class CraftedWorld(World):
    """Real digits with a split of their own by each seed."""

    dataset: ClassVar[str] = DATASET

    @cached_property
    def suite(self) -> Suite:
        """The shipped suite of the digits."""
        return suites.load(ROOT / suites.place(DATASET))

    @cached_property
    def settings(self) -> params.Dataset:
        """The shipped settings of the digits, but for the split."""
        shipped = params.load(ROOT / params.FILE).datasets[DATASET]
        own = {
            "source": shipped.ingest.source,
            "split_key": f"crafted {self.seed}",
            "validation": VALIDATION,
            "test": TEST,
        }
        return shipped.model_copy(update={"ingest": shipped.ingest.model_copy(update=own)})

    @cached_property
    def real(self) -> pl.DataFrame:
        """Rows that train."""
        return self._split("train").join(self.withheld, on="row", how="anti")

    @cached_property
    def withheld(self) -> pl.DataFrame:
        """Real rows that no generator learns from, and that stand for an ideal generator's."""
        train = self._split("train")
        draw = np.random.default_rng(derive_seed(self.seed, "withheld"))
        chosen = draw.permutation(len(train))[: round(WITHHELD * len(train))]
        return train[np.sort(chosen)]

    @cached_property
    def test(self) -> pl.DataFrame:
        """Rows that harm is measured on, and that nothing else sees."""
        return self._split("test")

    @property
    def watched(self) -> pl.DataFrame:
        """The held-out rows that the guard may compare with."""
        return self.validation


def rows_of(frame: pl.DataFrame) -> Rows:
    """Read images and labels of a frame."""
    return Rows.of(images.vectors(frame["image"]), frame["label"].cast(pl.Int64).to_numpy())
