"""Segments as a commit sees them: conversion between local numbers and the commit's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.adjacency import spans
from lineage.ancestry.files import Arrays
from lineage.ancestry.references import RoundId
from lineage.ancestry.row_index import RowIndex
from lineage.ancestry.segments import ACCEPTED, DECISION, KIND, REAL, Segment
from lineage.manifest import MixManifest


@dataclass(frozen=True, slots=True)
class Slot:
    """One round that a segment references as the round of parents."""

    dataset: str
    round: int
    segment: int | None
    """Position of the round among the commit's segments; None if the commit does not hold it."""
    before: int
    """Local number of the round's first row."""
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One segment as a commit sees it."""

    segment: Segment
    arrays: Arrays
    row_index: RowIndex
    slots: tuple[Slot, ...]
    mixes: tuple[str, ...]
    """Digests of the mixes that the rows reference; the array `mix` holds positions in here."""
    manifests: tuple[MixManifest | None, ...]
    """Manifest of each of `mixes`; None where it was not given."""
    bounds: NDArray[np.int64]
    """First local number of each run of parents that the commit numbers without a gap, at least one
    run; the last entry is the sentinel."""
    shifts: NDArray[np.int64]
    """Offset from local to commit numbers of each run; the sentinel becomes -1."""

    def numbers(self, local: NDArray[Any]) -> NDArray[np.int64]:
        """Convert local numbers of parents to the commit's numbers; -1 for the sentinel."""
        numbers: NDArray[np.int64] = local.astype(np.int64)
        if len(self.bounds) == 2 and not len(self.arrays["orphan"]):  # noqa: PLR2004  one, and none
            numbers += self.shifts[0]
        else:
            numbers += self.shifts[np.searchsorted(self.bounds, numbers, side="right") - 1]
        return numbers

    def referenced(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Select the commit's numbers that lie in a round which this segment references.

        Args:
            numbers: ascending.

        Returns:
            Positions in `numbers`, and local numbers, which ascend.
        """
        bounds, shifts = self.bounds, self.shifts[:-1]
        positions, run = spans(
            np.searchsorted(numbers, bounds[:-1] + shifts),
            np.searchsorted(numbers, bounds[1:] + shifts),
        )
        return positions, numbers[positions] - shifts[run]

    @property
    def descends_from_itself(self) -> bool:
        """Whether rows have other rows of this segment as parents, as edited candidates do."""
        own = self.segment.dataset, self.segment.round
        return any((slot.dataset, slot.round) == own for slot in self.slots)

    def real(self) -> NDArray[np.bool_]:
        """Return which rows are real, [rows]."""
        is_real: NDArray[np.bool_] = (self.arrays["flags"] & KIND) == REAL
        return is_real

    @property
    def is_real(self) -> bool:
        """Whether this is a round of real data, all of whose rows are real as its first one is."""
        first = self.arrays["flags"][:1]
        return self.segment.round == 0 or bool((first & KIND == REAL).any())

    def accepted(self) -> NDArray[np.bool_]:
        """Return which rows were accepted, [rows]."""
        is_accepted: NDArray[np.bool_] = (self.arrays["flags"] & DECISION) == ACCEPTED
        return is_accepted


def runs(
    slots: Sequence[Slot], bases: NDArray[np.int64], none: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute bounds and shifts of a view; neighbouring slots with the same shift share a run."""
    bounds: list[int] = []
    shifts: list[int] = []
    for slot in slots:
        shift = int(bases[slot.segment or 0]) - slot.before
        if slot.rows and (not shifts or shifts[-1] != shift):
            bounds.append(slot.before)
            shifts.append(shift)
    end = slots[-1].before + slots[-1].rows if slots else 0
    return np.array([*(bounds or [0]), end]), np.array([*(shifts or [0]), -1 - none])


class Layout:
    """The segments of a commit, and the numbering of their rows.

    Attributes:
        views: the segments, in topological order.
        bases: number of the first row of each, then the count of all rows.
        positions: the position of each round among them.
        labels: dataset, round of each.
    """

    def __init__(self, views: Sequence[View]) -> None:
        """Number the rows of segments in topological order."""
        names = [(view.segment.dataset, view.segment.round) for view in views]
        self.views = tuple(views)
        self.bases = np.cumsum([0, *(view.segment.rows for view in views)], dtype=np.int64)
        self.positions: dict[RoundId, int] = {name: position for position, name in enumerate(names)}
        self.labels = pl.DataFrame(
            names, schema={"dataset": pl.String, "round": pl.Int32}, orient="row"
        )
        self._gaps = [
            position for position, view in enumerate(views) if view.row_index.rows is not None
        ]

    def slice(self, position: int) -> slice:
        """Return the slice of a segment's rows among all rows."""
        return slice(int(self.bases[position]), int(self.bases[position + 1]))

    def segments_of(self, numbers: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the position of the segment that each number is in."""
        return np.searchsorted(self.bases, numbers, side="right") - 1

    def split(
        self, numbers: NDArray[np.int64]
    ) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
        """Split numbers by segment: its position, positions in `numbers`, and ranks."""
        positions = self.segments_of(numbers)
        for segment in np.unique(positions).tolist():
            mine = np.flatnonzero(positions == segment)
            yield segment, mine, numbers[mine] - self.bases[segment]

    def rows_of(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return for each number the position of its segment, and its row there."""
        positions = self.segments_of(numbers)
        rows = numbers - self.bases[positions]
        for segment in self._gaps:
            mine = np.flatnonzero(positions == segment)
            rows[mine] = self.views[segment].row_index.rows_at(rows[mine])
        return positions, rows
