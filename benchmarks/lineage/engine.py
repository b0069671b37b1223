"""What every engine is asked, and what it answers: results that can be compared with ours.

A method of an engine does the work of its name and returns a reader. The method's time counts; the
reader's does not, for it only brings the result into a form that can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage.world import World

Result: TypeAlias = dict[str, NDArray[np.float64]]
"""Columns of equal length, by slot where there is one per row; NaN stands for null."""
Reader: TypeAlias = Callable[[], Result]

DERIVED: Final = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")


@dataclass(slots=True)
class Engine:
    """One way to keep a world and to answer questions about it.

    It has a method for each work that it can do: `build()` from the lake's Parquet files,
    `extend(rounds)` by the last of the first so many rounds, `open()`, `find(prefix)`,
    `ancestors(slot)`, `descendants(slots)`, `indirect(slots)` and `derive()`.
    """

    world: World
    scratch: Path
    """A directory of its own."""
    name: str = field(init=False, default="")

    def prepare(self) -> None:
        """Do what belongs to no measured work: compile, warm up, read what a floor is given."""

    def before(self, work: str, *given: Any) -> None:  # noqa: ANN401  a work's own arguments
        """Do what must be done before a work and is no part of it."""


def slots(reached: NDArray[Any]) -> Reader:
    """Read a set of slots."""
    return lambda: {"slot": np.sort(reached).astype(np.float64)}


def size(rows: int, edges: int) -> Reader:
    """Read the size of what was built."""
    return lambda: {"rows": np.array([rows], float), "edges": np.array([edges], float)}
