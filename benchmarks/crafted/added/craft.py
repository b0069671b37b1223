"""What each kind of data brings: where its rows are from, and what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted.shipped import Shipped
from pipelines.project.detection import Choice

if TYPE_CHECKING:
    from benchmarks.crafted.added.world import AddedWorld

Numbers: TypeAlias = NDArray[np.float64]
Change: TypeAlias = "Callable[[AddedWorld, pl.DataFrame, Generator], pl.DataFrame]"
"""Changes rows, all of the same labels as before."""
Scaled: TypeAlias = "Callable[[AddedWorld, pl.DataFrame, float, Generator], pl.DataFrame]"
"""The same at a strength."""
Train: TypeAlias = Callable[[pl.DataFrame, NDArray[Any], int], Callable[[pl.DataFrame], Any]]
"""Trains on content and labels with a seed, and predicts labels [n]."""


@dataclass(frozen=True, slots=True)
class Strong:
    """A change at several strengths."""

    change: Scaled
    strengths: tuple[float, ...]
    about: str
    """What a strength is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Craft:
    """A kind of data."""

    name: str
    choice: Choice
    """What is said to `dataset add`."""
    load: Callable[[int], pl.DataFrame]
    """All rows, content and `label`, by the seed of a case."""
    points: Callable[[pl.DataFrame, pl.DataFrame], Numbers]
    """Points [n, d] of rows, on a scale that the real rows (the second frame) have."""
    vary: Change
    """Changes rows so little that they are the same to anybody, but not to a digest."""
    copies: Mapping[str, Change]
    """Ways to disguise a copy."""
    noise: Strong
    """Harmless noise."""
    styles: Mapping[str, Strong]
    """Harmless changes of style."""
    healthy: Mapping[str, Strong] = field(default_factory=dict)
    """Healthy generators; the rows that they are given are the withheld ones."""
    shipped: Mapping[str, Shipped] = field(default_factory=dict)
    """Generators of the package, which are healthy."""
    blend: Callable[[AddedWorld, pl.DataFrame, pl.DataFrame, Generator], pl.DataFrame]
    """Mixes rows with others, half and half, under the labels of the first."""
    prototype: Callable[[AddedWorld, pl.DataFrame], pl.DataFrame]
    """One row that stands for rows of a class."""
    fool: Change
    """Makes rows that the judge of labels takes for another class, under that label; as many as
    fool it."""
    loosen: Change
    """Breaks up what belongs together within each class."""
    families: Mapping[str, Train]
    """Models that measure harm, of which no check uses any."""
    agreeing: bool = False
    """As `Bench.agreeing`."""
