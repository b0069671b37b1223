"""Adjacency of a segment in compressed sparse rows: forward (edges) and reverse (children).

The reverse side holds only the parents that are referenced, in ascending order, so its size depends
on the segment's edges and not on the number of rows in the parents' rounds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry.files import Arrays

NARROW: Final = int(np.iinfo(np.uint32).max)
"""Numbers from here on need 64 bits."""


def index_dtype(largest: int) -> type[np.uint32 | np.int64]:
    """Index dtype wide enough for `largest` plus a sentinel."""
    return np.uint32 if largest < NARROW else np.int64


def forward(lengths: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Compute where the edges of each row start, [rows + 1].

    Args:
        lengths: how many edges each row has.
    """
    start = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    return {"start": start.astype(index_dtype(int(start[-1])))}


def none_of(numbers: NDArray[Any]) -> int:
    """Sentinel of an index array: the largest value of its dtype, which no index has."""
    return int(np.iinfo(numbers.dtype).max)


def reverse(parent: NDArray[Any], lengths: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Compute the children of each parent that is referenced.

    Args:
        parent: local number of each edge's parent, or none.
        lengths: how many edges each row has.

    Returns:
        target: parents, ascending, then none; target_start: where the children of each start,
        then their count; child: the children of each parent, ascending.
    """
    none = none_of(parent)
    child = np.repeat(np.arange(len(lengths), dtype=index_dtype(len(lengths))), lengths)
    held = parent != none
    if parent.dtype == np.uint32 and child.dtype == np.uint32:
        pairs = parent[held].astype(np.uint64) << np.uint64(32) | child[held]
        pairs.sort()
        ascending, sorted_child = (
            (pairs >> np.uint64(32)).astype(np.uint32),
            pairs.astype(np.uint32),
        )
    else:
        order = np.lexsort((child[held], parent[held]))
        ascending, sorted_child = parent[held][order], child[held][order]
    first = np.flatnonzero(np.diff(ascending, prepend=none))  # `none` differs from any parent
    return {
        "target": np.append(ascending[first], parent.dtype.type(none)),
        "target_start": np.append(first, len(ascending)).astype(index_dtype(len(ascending))),
        "child": sorted_child,
    }


def spans(
    low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Enumerate the numbers of all ranges [low, high), and for each number its range."""
    lengths = high - low
    which = np.repeat(np.arange(len(lengths)), lengths)
    before = np.cumsum(lengths) - lengths
    return np.arange(len(which)) - before[which] + low[which], which


def edges_of(
    arrays: Arrays, ranks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the edges of rows, in the rows' order, and for each edge its position in `ranks`."""
    start = arrays["start"]
    return spans(start[ranks].astype(np.int64), start[ranks + 1].astype(np.int64))


def children_of(
    arrays: Arrays, parents: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the children of parents, in the parents' order, and for each its position in `parents`.

    A child that names a parent twice comes twice. Parents that ascend are found fastest.
    """
    target, start = arrays["target"], arrays["target_start"]
    wanted = parents.astype(target.dtype)
    slots = np.searchsorted(target, wanted)
    named = np.flatnonzero(target[slots] == wanted)
    slots = slots[named]
    edges, which = spans(start[slots].astype(np.int64), start[slots + 1].astype(np.int64))
    return arrays["child"][edges].astype(np.int64), named[which]


def rows_of(arrays: Arrays, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ranks of the rows that edges belong to; the edges must ascend."""
    start = arrays["start"]
    return np.searchsorted(start, edges.astype(start.dtype), side="right") - 1
