"""rustworkx: the graph as objects, its algorithms in Rust.

It aggregates nothing along edges, so the derivation goes from node to node in Python.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import rustworkx as rx
from numpy.typing import NDArray

from benchmarks.lineage import flat
from benchmarks.lineage.engine import DERIVED, Engine, Reader, Result, size, slots
from benchmarks.lineage.flat import Flat
from lineage.edges import TOLERANCE

NONE = math.inf
"""Depth where no walk ends at a real row; the largest is kept with its sign changed."""
Values = tuple[float, float, float, float, float]
"""Real, roots, length, least depth, and minus the largest."""
REAL: Values = (1.0, 1.0, 0.0, 0.0, 0.0)
NOTHING: Values = (0.0, 0.0, 0.0, NONE, NONE)


@dataclass(slots=True)
class Graph(Engine):
    """A directed graph whose nodes are slots and whose edges carry the weights."""

    graph: rx.PyDiGraph[int, float] = field(init=False)
    flat: Flat = field(init=False)

    def prepare(self) -> None:
        """Nothing but a name."""
        self.name = "rustworkx"

    def build(self) -> Reader:
        """Read the lake's Parquet files and add every edge."""
        self.flat = flat.read(self.world)
        child = np.repeat(np.arange(self.world.slots), np.diff(self.flat.offsets))
        graph: rx.PyDiGraph[int, float] = rx.PyDiGraph()
        graph.add_nodes_from(range(self.world.slots))
        ends = (self.flat.parents.tolist(), child.tolist(), self.flat.weights.tolist())
        graph.add_edges_from(list(zip(*ends, strict=True)))
        self.graph = graph
        return size(int(self.flat.present.sum()), graph.num_edges())

    def ancestors(self, slot: int) -> Reader:
        """Ask for them."""
        return slots(np.array(list(rx.ancestors(self.graph, slot)), np.int64))

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Ask for those of a node above all starts, so that each is reached once."""
        above = self.graph.add_node(-1)
        self.graph.add_edges_from([(above, start, 0.0) for start in starts.tolist()])
        found = np.array(list(rx.descendants(self.graph, above)), np.int64)
        self.graph.remove_node(above)
        return slots(found[found >= self.world.stride])

    def derive(self) -> Reader:
        """Go through the nodes in topological order, which is that of the slots."""
        stride, one = self.world.stride, self.flat
        done = [REAL] * stride
        totals = [_total(done, one.mass[:stride])]
        for number in range(1, self.world.rounds):
            own = slice(number * stride, (number + 1) * stride)
            first = int(one.first[number])
            mix = _mixed(totals[first:], real=0.0 if first else totals[0][0])
            fitted = one.mix[own].tolist()
            done += [
                self._values(slot, done, mix if fits else NOTHING)
                for slot, fits in enumerate(fitted, own.start)
            ]
            totals.append(_total(done[own], one.mass[own]))
        return lambda: _read(done, one.present)

    def _values(self, slot: int, done: list[Values], mix: Values) -> Values:
        stride = self.world.stride
        rest, real, roots, length, low, high = 1.0, 0.0, 0.0, 0.0, NONE, NONE
        for parent, _, weight in self.graph.in_edges(slot):
            _, ends, walked, least, most = done[parent]
            rest -= weight
            roots += weight * ends
            length += weight * (walked + ends)
            if parent < stride:
                real += weight
            if weight > 0:
                low, high = min(low, least), min(high, most)
        if rest > TOLERANCE:
            real += rest * mix[0]
            roots += rest * mix[1]
            length += rest * (mix[1] + mix[2])
            low, high = min(low, mix[3]), min(high, mix[4])
        return real, roots, length, low + 1, high - 1 if high < NONE else high


def _total(done: list[Values], mass: NDArray[np.float32]) -> Values:
    """Sums over the accepted rows of a round; the first is their weight, real or not."""
    held, values = mass.astype(float), np.array(done)
    _, roots, length = held @ values[:, :3]
    low, high = values[held > 0, 3:].min(axis=0, initial=NONE)
    return float(held.sum()), float(roots), float(length), float(low), float(high)


def _mixed(totals: list[Values], *, real: float) -> Values:
    """Shares over the mix of some rounds, of whose weight so much is real."""
    table = np.array(totals)
    weight, roots, length = table[:, :3].sum(axis=0)
    low, high = table[:, 3:].min(axis=0)
    return (
        float(real / weight),
        float(roots / weight),
        float(length / weight),
        float(low),
        float(high),
    )


def _read(done: list[Values], present: NDArray[np.bool_]) -> Result:
    real, roots, length, low, high = np.array(done)[present].T
    known = roots > 0
    mean = np.divide(length, roots, out=np.full(len(roots), np.nan), where=known)
    low, high = (np.where(known, each, np.nan) for each in (low, -high))
    columns = zip(DERIVED, (real, roots, mean, low, high), strict=True)
    return {"slot": np.flatnonzero(present).astype(float), **dict(columns)}
