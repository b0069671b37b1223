"""numpy: the same flat arrays that the floor has, a round at a time, by gathers and reductions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage import flat
from benchmarks.lineage.engine import DERIVED, Engine, Reader, Result, slots
from benchmarks.lineage.flat import Flat
from lineage.edges import TOLERANCE

COLUMNS: Final = ("real", "roots", "length", "low", "high")
"""What is kept of each slot; least depth is infinite and largest -1 where no walk is real."""

Values = dict[str, NDArray[np.float64]]


@dataclass(slots=True)
class Arrays(Engine):
    """Adjacency as CSR arrays in memory."""

    flat: Flat = field(init=False)

    def prepare(self) -> None:
        """Read the arrays."""
        self.name = "numpy, CSR by rounds"
        self.flat = flat.read(self.world)

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Go forward round by round, over every edge once."""
        marks = np.zeros(self.world.slots, np.bool_)
        marks[starts] = True
        for number in range(1, self.world.rounds):
            rows, begins, edges = self._round(number)
            marks[rows] = np.logical_or.reduceat(marks[self.flat.parents[edges]], begins)
        marks[starts] = False
        return slots(np.flatnonzero(marks))

    def derive(self) -> Reader:
        """Derive round by round."""
        stride, one = self.world.stride, self.flat
        done = {name: np.zeros(self.world.slots) for name in COLUMNS}
        done["real"][:stride] = done["roots"][:stride] = 1
        totals = [_total(done, one.mass, slice(0, stride))]
        for number in range(1, self.world.rounds):
            first = int(one.first[number])
            mix = _mixed(totals[first:], 0.0 if first else totals[0]["weight"])
            rows, found = self._derived(number, done, mix)
            for name in COLUMNS:
                done[name][rows] = found[name]
            own = slice(number * stride, (number + 1) * stride)
            totals.append(_total(done, one.mass, own))
        return lambda: _read(done, one.present)

    def _round(self, number: int) -> tuple[NDArray[Any], NDArray[Any], slice]:
        """The slots of a round that have edges, where each one's begin, and all of them."""
        start = number * self.world.stride
        offsets = self.flat.offsets[start : start + self.world.stride + 1]
        rows = np.flatnonzero(np.diff(offsets))
        return rows + start, offsets[rows] - offsets[0], slice(int(offsets[0]), int(offsets[-1]))

    def _derived(
        self, number: int, done: Values, mix: dict[str, float]
    ) -> tuple[NDArray[Any], Values]:
        rows, begins, edges = self._round(number)
        parents = self.flat.parents[edges]
        weights = self.flat.weights[edges].astype(np.float64)

        def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.add.reduceat(weights * values, begins)

        left = 1 - np.add.reduceat(weights, begins)
        rest = np.where((self.flat.mix[rows] > 0) & (left > TOLERANCE), left, 0.0)
        roots = done["roots"][parents]
        depths = _depths(done, parents, weights > 0, begins)
        low = np.minimum(depths[0], np.where(rest > 0, mix["low"], np.inf))
        high = np.maximum(depths[1], np.where(rest > 0, mix["high"], -1.0))
        return rows, {
            "real": summed((parents < self.world.stride).astype(float)) + rest * mix["real"],
            "roots": summed(roots) + rest * mix["roots"],
            "length": summed(done["length"][parents] + roots)
            + rest * (mix["length"] + mix["roots"]),
            "low": low + 1,
            "high": np.where(high < 0, -1.0, high + 1),
        }


def _depths(
    done: Values, parents: NDArray[Any], counted: NDArray[np.bool_], begins: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.where(counted, done["low"][parents], np.inf)
    high = np.where(counted, done["high"][parents], -1.0)
    return np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)


def _total(done: Values, mass: NDArray[np.float32], own: slice) -> dict[str, float]:
    held = mass[own].astype(float)
    kept = held > 0
    return {
        "weight": float(held.sum()),
        "roots": float(held @ done["roots"][own]),
        "length": float(held @ done["length"][own]),
        "low": float(done["low"][own][kept].min(initial=np.inf)),
        "high": float(done["high"][own][kept].max(initial=-1)),
    }


def _mixed(totals: list[dict[str, float]], real: float) -> dict[str, float]:
    """Shares over the mix of some rounds, of whose weight so much is real."""
    weight = sum(each["weight"] for each in totals)
    return {
        "real": real / weight,
        "roots": sum(each["roots"] for each in totals) / weight,
        "length": sum(each["length"] for each in totals) / weight,
        "low": min(each["low"] for each in totals),
        "high": max(each["high"] for each in totals),
    }


def _read(done: Values, present: NDArray[np.bool_]) -> Result:
    real, roots, length, low, high = (done[name][present] for name in COLUMNS)
    known = high >= 0
    mean = np.divide(length, roots, out=np.full(len(roots), np.nan), where=known)
    low, high = (np.where(known, each, np.nan) for each in (low, high))
    columns = zip(DERIVED, (real, roots, mean, low, high), strict=True)
    return {"slot": np.flatnonzero(present).astype(float), **dict(columns)}
