"""Founder equivalents: how many real samples a set of rows effectively comes from (Lacy 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import edges
from lineage.ancestry import kernels, membership
from lineage.ancestry.compiling import suited
from lineage.ancestry.index import Ancestry
from lineage.ancestry.membership import Part
from lineage.ancestry.views import Layout, View


@dataclass(frozen=True, slots=True, eq=False)
class Founders:
    """Where the backward walks from some rows end."""

    equivalents: float | None
    """Founder equivalents (Σp)² / Σp² (Lacy 1989), p the mass of walks that end at each real
    sample; None where no walk does."""
    mass: float
    """Share of the walks that end at a real sample."""
    opaque: float
    """Share of the walks that end at an opaque root."""
    lost: float
    """Share of the walks that leave the index, at an absent parent or an absent mix."""
    top: pl.DataFrame
    """number (Int64) and share (Float64, of Σp) of the heaviest founders, heaviest first, ties by
    number."""


def founders(index: Ancestry, start: NDArray[np.int64], *, top: int = 10) -> Founders:
    """Follow backward walks that start with equal mass at the given rows.

    Args:
        index: the index.
        start: numbers of rows.
        top: how many founders to name.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    index.check_order()
    walks = _Walks(index.layout)
    walks.start(index.validated(start))
    for position in reversed(range(len(index.segments))):
        walks.step(position)
    return _summary(walks, top)


class _Walks:
    """Mass that flows from rows to their inputs, one segment at a time.

    Attributes:
        layout: the segments of the commit.
        mass: of each row; the last is what was lost.
        opaque: what ended at opaque models.
    """

    def __init__(self, layout: Layout) -> None:
        """Start without any mass."""
        self.layout = layout
        self.mass = np.zeros(int(layout.bases[-1]) + 1, dtype=np.float64)
        self.opaque = 0.0
        self._flow = suited(kernels.flow, layout)
        self._even: dict[int, NDArray[np.float64]] = {}  # what each accepted row will get
        self._counts: dict[int, NDArray[np.int64]] = {}  # of accepted rows

    def start(self, numbers: NDArray[np.int64]) -> None:
        """Distribute mass 1 evenly over some rows, which may be given more than once."""
        np.add.at(self.mass, numbers, 1.0 / max(len(numbers), 1))

    def step(self, position: int) -> None:
        """Move the mass of a segment's rows to their inputs; mass at real rows stays."""
        view = self.layout.views[position]
        if position in self._even:
            self._hand_out(position, view.accepted(), self._even.pop(position))
        models = np.zeros(len(view.mixes) + 1, dtype=np.float64)
        while True:
            self._flow(
                *(view.arrays[name] for name in ("start", "parent", "weight")),
                *(view.bounds, view.shifts, view.arrays["flags"], view.arrays["mix"]),
                edges.TOLERANCE,
                self.mass,
                view.segment.base,
                models,
            )
            left = self.mass[self.layout.slice(position)] if view.descends_from_itself else None
            if left is None or not left[~view.real()].any():
                break
        self.opaque += float(models[-1])
        for slot in np.flatnonzero(models[:-1]).tolist():
            self._to_members(view, slot, float(models[slot]))

    def _to_members(self, view: View, slot: int, amount: float) -> None:
        """Distribute mass over the members of a mix by weight, or lose it if none is held."""
        mix = view.manifests[slot]
        weights = np.array([1.0, mix.real_weight if mix else 1.0])
        parts = membership.parts(self.layout, view, slot)
        total = sum(float(weights @ self._count(part)) for part in parts)
        for part in parts if total else []:
            member_mass = amount / total * weights
            if part.some is None:
                self._even[part.segment] = self._even.get(part.segment, 0.0) + member_mass
            else:
                self._hand_out(part.segment, part.some, member_mass)
        self.mass[-1] += 0.0 if total else amount

    def _hand_out(
        self, position: int, rows: NDArray[np.bool_], row_mass: NDArray[np.float64]
    ) -> None:
        """Add mass to some rows of a segment: `row_mass` to each synthetic and to each real one."""
        real = self.layout.views[position].real()
        self.mass[self.layout.slice(position)] += np.where(real, row_mass[1], row_mass[0]) * rows

    def _count(self, part: Part) -> NDArray[np.int64]:
        """Count the members that a round gives to a mix: synthetic ones, real ones."""
        counts = self._counts.get(part.segment) if part.some is None else None
        if counts is None:
            real = self.layout.views[part.segment].real()
            counts = np.bincount(real[part.rows(self.layout)], minlength=2)
        if part.some is None:
            self._counts[part.segment] = counts
        return counts


def _summary(walks: _Walks, top: int) -> Founders:
    """Summarise where the walks ended."""
    views = walks.layout.views
    real = [np.flatnonzero(view.real()) + view.segment.base for view in views]
    numbers = np.concatenate([np.empty(0, dtype=np.int64), *real])
    numbers = numbers[walks.mass[numbers] > 0]
    share = walks.mass[numbers]
    mass = float(share.sum())
    heaviest = np.lexsort((numbers, -share))[:top]
    return Founders(
        equivalents=mass**2 / float(share @ share) if mass else None,
        mass=mass,
        opaque=walks.opaque,
        lost=float(walks.mass[-1]),
        top=pl.DataFrame({"number": numbers[heaviest], "share": share[heaviest] / (mass or 1.0)}),
    )
