"""Walks along the family tree: ancestors and descendants of occurrences.

Segments are visited in topological order, so each once; those without an order are visited again
until nothing changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry import indirect, propagation, tables
from lineage.ancestry.index import Ancestry
from lineage.ancestry.propagation import Numbers, Reached, Steps
from lineage.ancestry.tables import Edges
from lineage.ancestry.views import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Ancestors:
    """The ancestors of some occurrences."""

    nodes: pl.DataFrame
    """number and steps (Int32: fewest edges from a start, 0 for the starts), sorted by both."""
    edges: pl.DataFrame
    """Columns as in `Ancestry.parents`: the edges of every node that was followed, by child."""


@dataclass(frozen=True, slots=True, eq=False)
class Descendants:
    """The descendants of some occurrences."""

    direct: NDArray[np.int64]
    """Occurrences reached by seed and edited edges of any weight, ascending, without the starts."""
    steps: NDArray[np.int32]
    """The fewest edges from a start to each of `direct`."""
    indirect: NDArray[np.int64]
    """Other occurrences, ascending: the generator's mix holds a start or a descendant and the row
    leaves weight to the generator, or a parent is an indirect descendant."""


def ancestors(index: Ancestry, numbers: Numbers, *, most_steps: int | None = None) -> Ancestors:
    """Follow explicit edges backward from some occurrences.

    Args:
        index: the index.
        numbers: the starts.
        most_steps: follow no node that is so many edges from a start; None: to the end.

    Raises:
        QueryError: a number is none of the index.
    """
    layout = index.layout
    starts = np.unique(index.validated(numbers))
    pending: dict[int, list[Reached]] = defaultdict(list)
    _push(layout, pending, starts, np.zeros(len(starts), dtype=np.int32))
    reached: dict[int, Reached] = {}
    followed: dict[int, list[Edges]] = defaultdict(list)
    while pending:
        position = max(pending)
        count = layout.views[position].segment.rows
        reached_here = propagation.fewest(pending.pop(position), count)
        ranks, steps = propagation.nearer(reached_here, reached.get(position))
        reached[position] = propagation.fewest(
            [reached_here, *([reached[position]] if position in reached else [])], count
        )
        if most_steps is not None:
            ranks, steps = ranks[steps < most_steps], steps[steps < most_steps]
        edges, which = tables.edges_of(layout, position, ranks)
        followed[position].append(edges)
        held = edges.parent >= 0
        _push(layout, pending, edges.parent[held], steps[which[held]] + 1)
    return Ancestors(_nodes(layout, reached), tables.frame(layout, _each_once(followed)))


def descendants(index: Ancestry, numbers: Numbers, *, include_indirect: bool = True) -> Descendants:
    """Follow edges forward from some occurrences.

    Args:
        index: the index.
        numbers: the starts.
        include_indirect: also follow training mixes; otherwise `indirect` is empty.

    Raises:
        QueryError: a number is none of the index.
        MixError: a mix was drawn by a rule that this version does not know.
    """
    layout = index.layout
    starts = np.unique(index.validated(numbers))
    reached = {
        position: (ranks, np.zeros(len(ranks), dtype=np.int32))
        for position, _, ranks in layout.split(starts)
    }
    ordered = len(index.segments) - len(index.cyclic)
    for position in range(ordered):
        while _take_up(layout, position, reached) and layout.views[position].descends_from_itself:
            pass
    while any(
        _take_up(layout, position, reached) for position in range(ordered, len(index.segments))
    ):
        pass
    direct, steps = _joined(layout, reached)
    others = indirect.descendants(layout, direct, ordered) if include_indirect else starts[:0]
    return Descendants(direct[steps > 0], steps[steps > 0], others)


def _push(
    layout: Layout, pending: dict[int, list[Reached]], numbers: Numbers, steps: Steps
) -> None:
    """Group numbers by the segment that they are in."""
    for position, mine, ranks in layout.split(numbers):
        pending[position].append((ranks, steps[mine]))


def _take_up(layout: Layout, position: int, reached: dict[int, Reached]) -> bool:
    """Add the children of what was reached to a segment; return whether that changed anything."""
    children = propagation.children(layout.views[position], reached)
    before = reached.get(position)
    if not len(children[0]) or not len(propagation.nearer(children, before)[0]):
        return False
    count = layout.views[position].segment.rows
    reached[position] = propagation.fewest([children, before], count) if before else children
    return True


def _joined(layout: Layout, reached: Mapping[int, Reached]) -> Reached:
    """Collect numbers, ascending, and steps of what was reached in any segment."""
    none = np.empty(0, dtype=np.int64)
    numbers = [layout.bases[position] + reached[position][0] for position in sorted(reached)]
    steps = [reached[position][1] for position in sorted(reached)]
    return np.concatenate([none, *numbers]), np.concatenate([none.astype(np.int32), *steps])


def _nodes(layout: Layout, reached: Mapping[int, Reached]) -> pl.DataFrame:
    numbers, steps = _joined(layout, reached)
    order = np.argsort(steps, kind="stable")
    return pl.DataFrame({"number": numbers[order], "steps": steps[order]})


def _each_once(followed: Mapping[int, Sequence[Edges]]) -> Edges:
    """Make edges unique, by child; a row is followed again where a shorter way to it is found."""
    parts: list[Edges] = []
    for position in sorted(followed):
        edges = Edges.join(followed[position])
        if len(followed[position]) > 1:
            edges = edges.take(np.unique(edges.edge, return_index=True)[1])
        parts.append(edges)
    return Edges.join(parts)
