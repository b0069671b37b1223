"""Who an occurrence descends from, and who descends from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.index import Ancestry


@dataclass(frozen=True, slots=True, eq=False)
class Ancestors:
    """The family tree above some occurrences."""

    nodes: pl.DataFrame
    """number, steps (Int32: fewest edges from a start; 0 for the starts), by steps, then number."""
    edges: pl.DataFrame
    """As `Ancestry.parents`, those of every node that was followed, by child."""


@dataclass(frozen=True, slots=True, eq=False)
class Descendants:
    """What came from some occurrences."""

    hard: NDArray[np.int64]
    """Reached by seed and edited edges of any weight, ascending, without the starts."""
    steps: NDArray[np.int32]
    """For each of `hard`, the fewest edges from a start."""
    weak: NDArray[np.int64]
    """Others, ascending: the generator's mix holds a start or a descendant and the row leaves
    weight to the generator, or a parent is weak."""


def ancestors(
    index: Ancestry, numbers: NDArray[np.int64], *, most_steps: int | None = None
) -> Ancestors:
    """Follow explicit edges backward.

    Args:
        index: the index.
        numbers: the starts.
        most_steps: follow no node that is so many edges from a start; None: to the end.
    """
    raise NotImplementedError


def descendants(index: Ancestry, numbers: NDArray[np.int64], *, weak: bool = True) -> Descendants:
    """Follow edges forward.

    Args:
        index: the index.
        numbers: the starts.
        weak: also follow training mixes; else `weak` is empty.
    """
    raise NotImplementedError
