"""Data sets that generators are compared on, by name: each has a split of its own by each seed.

A split has rows that train, rows that suite and scorers hold out, rows that are withheld, which
stand for an ideal generator's, and test rows, which nothing sees but the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.crafted.added import colour, tables, texts
from benchmarks.crafted.added.craft import Craft
from benchmarks.crafted.added.world import AddedWorld
from benchmarks.crafted.world import CraftedWorld
from pipelines import modalities
from pipelines.modalities import Modality
from pipelines.project import generator_settings
from pipelines.project.detection import Choice
from pipelines.project.generator_settings import Suited

if TYPE_CHECKING:
    from benchmarks.crafted.rounds import World

DIGITS: Final = "digits"
DATA: Final = {
    DIGITS: (DIGITS,),
    "emoji": ("emoji",),
    "tables": ("diamonds", "jobs", "cells"),
    "dialogues": ("dialogues",),
}
"""The data sets of each kind of data, as `--data` takes it."""
MOST: Final = {"dialogues": 40}
"""Candidates of each generator, at most, of data of which a candidate takes seconds; as many as
`stemma dataset add` lets a language model be asked for."""
NOTHING: Final = ("row", "round", "sample_id", "split")


def _diamonds(seed: int) -> pl.DataFrame:  # noqa: ARG001  the same rows for each seed
    return tables.load(0).rename({"label": "cut"})


def _jobs(seed: int) -> pl.DataFrame:  # noqa: ARG001
    return tables.load(2 * tables.NAMES.index("jobs"))


def _cells(seed: int) -> pl.DataFrame:  # noqa: ARG001
    return tables.load(2 * tables.NAMES.index("cells"))


CRAFTS: Final[dict[str, Craft]] = {
    "diamonds": replace(
        tables.CRAFT,
        name="diamonds",
        choice=Choice(modality="table", target="price", keep=()),
        load=_diamonds,
    ),
    "jobs": replace(tables.CRAFT, name="jobs", load=_jobs),
    "cells": replace(tables.CRAFT, name="cells", load=_cells),
    "emoji": replace(colour.CRAFT, name="emoji"),
    "dialogues": replace(texts.CRAFT, name="dialogues"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Real rows of a data set by a seed, and how they are judged."""

    name: str
    world: World
    withheld: pl.DataFrame
    """Payload of real rows that no generator sees, as many as candidates are made."""
    test: pl.DataFrame
    """Payload of real rows that the figures are measured on."""

    @property
    def payload(self) -> list[str]:
        """The columns of a candidate."""
        return self.withheld.columns

    @property
    def candidates(self) -> int:
        """How many candidates each generator makes."""
        return len(self.withheld)

    def suited(self, generator: str) -> Suited:
        """Return the settings that `stemma dataset add` writes for a generator of this data."""
        settings = self.world.settings
        content = tuple(each for each in settings.identity if each != settings.modality.answer)
        return generator_settings.suited(generator, self.world.real.select(self.payload), content)


def modality(name: str) -> Modality:
    """Return the modality of a data set, without reading its rows."""
    if name == DIGITS:
        return modalities.load("image", ("image",), {})
    choice = CRAFTS[name].choice
    settings = {} if choice.target is None else {"target": choice.target}
    return modalities.load(choice.modality or "table", choice.columns or ("content",), settings)


@lru_cache(maxsize=2)
def split(name: str, seed: int, most: int | None = None) -> Split:
    """Split a data set.

    Args:
        name: one of those in `DATA`.
        seed: of the split.
        most: candidates, at most; None: as many as rows are withheld, or as `MOST` says.
    """
    world = CraftedWorld(seed) if name == DIGITS else AddedWorld(CRAFTS[name], seed)
    withheld, test = (_payload(world, each) for each in (world.withheld, world.test))
    bound = MOST.get(name, len(withheld)) if most is None else most
    if bound < len(withheld):
        withheld = withheld.sample(bound, seed=seed)
    return Split(name, world, withheld, test)


def _payload(world: CraftedWorld | AddedWorld, rows: pl.DataFrame) -> pl.DataFrame:
    """Type rows as the lake stores them, without what is no payload."""
    kind = world.settings.modality
    plain = rows.drop(each for each in NOTHING if each in rows.columns)
    return kind.typed(world.dataset, plain).select(kind.columns(plain))
