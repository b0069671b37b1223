"""Indirect descendants: rows of models that learned from marked rows, and their own descendants.

A mix is touched when one of its members is marked. A row is an indirect descendant if its
generator's mix is touched and the row leaves weight to the generator, or if one of its parents is
an indirect descendant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry import adjacency, membership
from lineage.ancestry.segments import LEAVES
from lineage.ancestry.views import Layout, View

Marks = NDArray[np.bool_]


def descendants(layout: Layout, direct: NDArray[np.int64], ordered: int) -> NDArray[np.int64]:
    """Find the indirect descendants of marked rows, ascending, without the marked rows.

    Args:
        layout: the segments of the commit.
        direct: the marked rows: starts and all their descendants by explicit edges.
        ordered: how many segments can be put in order; the others follow.
    """
    marked = np.zeros(int(layout.bases[-1]), dtype=np.bool_)
    marked[direct] = True
    indirect = np.zeros(
        len(marked) + 1, dtype=np.bool_
    )  # the last: an absent parent is not indirect
    for position in range(ordered):
        while (
            _take_up(layout, position, marked, indirect)
            and layout.views[position].descends_from_itself
        ):
            pass
    while any(
        _take_up(layout, position, marked, indirect)
        for position in range(ordered, len(layout.views))
    ):
        pass
    return np.flatnonzero(indirect)


def _take_up(layout: Layout, position: int, marked: Marks, indirect: Marks) -> bool:
    """Mark the indirect descendants in a segment; return whether a mark was added."""
    view, mine = layout.views[position], layout.slice(position)
    indirect_rows = _of_mixes(layout, view, marked)
    indirect_rows[_of_parents(view, np.flatnonzero(~(indirect_rows | marked[mine])), indirect)] = (
        True
    )
    indirect_rows &= ~marked[mine]
    indirect[mine] |= indirect_rows
    marked[mine] |= indirect_rows
    return bool(indirect_rows.any())


def _of_mixes(layout: Layout, view: View, marked: Marks) -> Marks:
    """Find the rows of a segment that leave weight to a generator whose mix is touched."""
    learned = np.zeros(view.segment.rows, dtype=np.bool_)
    touched = [slot for slot in range(len(view.mixes)) if _touched(layout, view, slot, marked)]
    for slot in touched:
        learned |= view.arrays["mix"] == slot
    if touched:
        learned &= (view.arrays["flags"] & LEAVES) != 0
    return learned


def _of_parents(view: View, ranks: NDArray[np.int64], indirect: Marks) -> NDArray[np.int64]:
    """Find the rows among `ranks` with a parent that is an indirect descendant; rows may repeat."""
    if not indirect.any():
        return ranks[:0]
    edges, which = adjacency.edges_of(view.arrays, ranks)
    return ranks[which[indirect[view.numbers(view.arrays["parent"][edges])]]]


def _touched(layout: Layout, view: View, slot: int, marked: Marks) -> bool:
    """Whether a member of a mix is marked."""
    rounds = membership.rounds(layout, view, slot)
    if not any(marked[layout.slice(position)].any() for position in rounds):
        return False
    parts = membership.parts(layout, view, slot)
    return any((part.rows(layout) & marked[layout.slice(part.segment)]).any() for part in parts)
