"""Propagation of marks from parents to children, one segment at a time.

Few parents are looked up in the reverse adjacency; for many, a scan of the edges is faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry import adjacency
from lineage.ancestry.views import View

Numbers: TypeAlias = NDArray[np.int64]
Steps: TypeAlias = NDArray[np.int32]
Reached: TypeAlias = tuple[Numbers, Steps]
"""Ranks in a segment, ascending and unique, and for each the fewest edges from a start."""
SCAN: Final = 16
"""Edges that can be scanned in the time of one look-up."""
SPARSE: Final = 64
"""Rows that can be scanned in the time of sorting one pair."""
FAR: Final = np.iinfo(np.int32).max


def children(view: View, reached: Mapping[int, Reached]) -> Reached:
    """Find the rows of a segment with a parent that was reached, and their fewest steps.

    Args:
        view: the segment.
        reached: rows by the position of their segment.
    """
    named = [slot for slot in view.slots if slot.segment in reached]
    parts = [(reached[slot.segment], slot.before) for slot in named if slot.segment is not None]
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    parents = np.concatenate([ranks + before for (ranks, _), before in parts])
    steps = np.concatenate([steps for (_, steps), _ in parts])
    if len(parents) * SCAN > view.segment.edges:
        child_ranks, far = _scan(view, parents, steps)
    else:
        child_ranks, which = adjacency.children_of(view.arrays, parents)
        far = steps[which]
    return fewest([(child_ranks, far + 1)], view.segment.rows)


def fewest(parts: Sequence[Reached], count: int) -> Reached:
    """Make ranks unique and ascending, each with the fewest of its steps.

    Args:
        parts: ranks in any order, and steps.
        count: how many ranks there may be.
    """
    ranks, steps = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(ranks) * SPARSE < count:
        order = np.lexsort((steps, ranks))
        ranks, steps = ranks[order], steps[order]
        first = np.flatnonzero(np.diff(ranks, prepend=-1))
        return ranks[first], steps[first]
    least = np.full(count, FAR, dtype=np.int32)
    np.minimum.at(least, ranks, steps)
    reached = np.flatnonzero(least != FAR)
    return reached, least[reached]


def nearer(candidates: Reached, before: Reached | None) -> Reached:
    """Select what was not reached before, or only by more steps."""
    if before is None:
        return candidates
    (ranks, steps), (known_ranks, far) = candidates, before
    position = np.minimum(np.searchsorted(known_ranks, ranks), len(known_ranks) - 1)
    new = (known_ranks[position] != ranks) | (steps < far[position])
    return ranks[new], steps[new]


def _scan(view: View, parents: Numbers, steps: Steps) -> Reached:
    """Find the child of each edge whose parent is in `parents`, and that parent's steps."""
    least = np.full(int(view.bounds[-1]) + 1, FAR, dtype=np.int32)  # the last stands for none
    least[parents] = steps
    far = least[np.minimum(view.arrays["parent"], len(least) - 1)]
    edges = np.flatnonzero(far != FAR)
    return adjacency.rows_of(view.arrays, edges), far[edges]
