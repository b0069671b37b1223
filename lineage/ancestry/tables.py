"""Frames of occurrences and edges, assembled from segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import schema
from lineage.ancestry import adjacency
from lineage.ancestry.adjacency import none_of
from lineage.ancestry.segments import DECISIONS, KIND, LEAVES, decision_index
from lineage.ancestry.views import Layout, View

HEAD: Final = 16
"""Hex digits of an id in the sorted index of ids."""
FEW: Final = 4096
"""Rows up to which objects are made of bytes: less than an import of pyarrow.compute costs."""
EMPTY: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of some rows, as arrays of one length."""

    child: NDArray[np.int64]
    parent: NDArray[np.int64]
    """Number of the parent; -1 where the commit does not hold it."""
    relation: NDArray[np.uint8]
    weight: NDArray[np.float32]
    segment: NDArray[np.int64]
    """Position of the child's segment."""
    edge: NDArray[np.int64]
    """Position of the edge in the child's segment."""

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Concatenate edges."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            child=np.concatenate([EMPTY, *(part.child for part in parts)]),
            parent=np.concatenate([EMPTY, *(part.parent for part in parts)]),
            relation=np.concatenate([EMPTY.astype(np.uint8), *(part.relation for part in parts)]),
            weight=np.concatenate([EMPTY.astype(np.float32), *(part.weight for part in parts)]),
            segment=np.concatenate([EMPTY, *(part.segment for part in parts)]),
            edge=np.concatenate([EMPTY, *(part.edge for part in parts)]),
        )

    def take(self, order: NDArray[np.intp]) -> Edges:
        """Select edges by position."""
        return Edges(*(getattr(self, name)[order] for name in self.__slots__))


def find(view: View, digits: str) -> NDArray[np.int64]:
    """Find the ranks of a segment's rows whose id begins with hex digits, in any order."""
    heads = view.arrays["head"]
    low, high = (int(digits[:HEAD].ljust(HEAD, fill), 16) for fill in "0f")
    first = int(np.searchsorted(heads, np.uint64(low), side="left"))
    last = int(np.searchsorted(heads, np.uint64(high), side="right"))
    ranks = view.arrays["head_rank"][first:last].astype(np.int64)
    if len(digits) <= HEAD:
        return ranks
    wanted = [view.arrays["id"][rank].tobytes().hex().startswith(digits) for rank in ranks]
    return ranks[np.array(wanted, dtype=np.bool_)]


def numbers(layout: Layout, occurrences: pl.DataFrame) -> NDArray[np.int64]:
    """See `Ancestry.numbers`."""
    wanted = occurrences.select("dataset", "round", pl.col("row").cast(pl.Int64)).with_row_index(
        "at"
    )
    wanted = wanted.drop_nulls()
    numbered = np.full(len(occurrences), -1, dtype=np.int64)
    for (dataset, number), part in wanted.group_by("dataset", "round"):
        segment = layout.positions.get((str(dataset), int(str(number))))
        if segment is not None:
            ranks = layout.views[segment].row_index.ranks(part["row"].to_numpy())
            commit_numbers = np.where(ranks < 0, -1, ranks + layout.bases[segment])
            numbered[part["at"].to_numpy()] = commit_numbers
    return numbered


def nodes(layout: Layout, numbers: NDArray[np.int64]) -> pl.DataFrame:
    """See `Ancestry.nodes`."""
    flags = np.zeros(len(numbers), dtype=np.uint8)
    ids = np.zeros((len(numbers), schema.ID_BYTES), dtype=np.uint8)
    rest = np.zeros(len(numbers), dtype=np.float64)
    mixes = np.full(len(numbers), -1, dtype=np.int64)
    digests: list[str | None] = []
    for segment, mine, ranks in layout.split(numbers):
        view = layout.views[segment]
        flags[mine], ids[mine] = view.arrays["flags"][ranks], view.arrays["id"][ranks]
        rest[mine] = left(view, ranks)
        slots = view.arrays["mix"][ranks]
        mixes[mine] = np.where(slots == none_of(slots), -1, slots.astype(np.int64) + len(digests))
        digests += view.mixes
    segments, rows = layout.rows_of(numbers)
    return pl.DataFrame(
        {
            "number": numbers,
            **_round_columns(layout.labels, segments),
            "row": rows,
            "sample_id": _binary(ids),
            "kind": _enum(flags & KIND, schema.KINDS),
            "decision": _words(decision_index(flags), DECISIONS),
            "trained_on": _words(mixes, (*digests, None)),
            "rest": rest,
        }
    )


def left(view: View, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the weight that rows leave to their generator; 0 for real rows."""
    edge_positions, which = adjacency.edges_of(view.arrays, ranks)
    weights = view.arrays["weight"][edge_positions].astype(np.float64)
    rest = 1.0 - np.bincount(which, weights=weights, minlength=len(ranks))
    leaves = (view.arrays["flags"][ranks] & LEAVES) != 0
    return np.where(leaves, rest, 0.0)


def edges_of(
    layout: Layout, segment: int, ranks: NDArray[np.int64]
) -> tuple[Edges, NDArray[np.int64]]:
    """List the edges of rows of a segment, by row as given, then in the order of its lineage.

    Returns:
        The edges, and for each the position in `ranks`.
    """
    edge_positions, which = adjacency.edges_of(layout.views[segment].arrays, ranks)
    return _edges(layout, segment, ranks[which], edge_positions), which


def parents(layout: Layout, numbers: NDArray[np.int64]) -> pl.DataFrame:
    """See `Ancestry.parents`."""
    unique, back = np.unique(numbers, return_inverse=True)
    parts = [edges_of(layout, segment, ranks)[0] for segment, _, ranks in layout.split(unique)]
    joined = Edges.join(parts)  # by child
    starts = np.searchsorted(joined.child, unique, side="left")
    ends = np.searchsorted(joined.child, unique, side="right")
    order, _ = adjacency.spans(starts[back], ends[back])
    return frame(layout, joined.take(order))


def children(layout: Layout, numbers: NDArray[np.int64]) -> pl.DataFrame:
    """See `Ancestry.children`; the numbers ascend, each once."""
    parts: list[Edges] = []
    for segment, view in enumerate(layout.views):
        _, locals_ = view.referenced(numbers)
        children_, _ = adjacency.children_of(view.arrays, locals_)
        child_edges, _ = edges_of(layout, segment, np.unique(children_))
        parts.append(child_edges.take(np.flatnonzero(np.isin(child_edges.parent, numbers))))
    joined = Edges.join(parts)
    order = np.lexsort((joined.edge, joined.child, joined.parent))
    return frame(layout, joined.take(order)).select("child", "parent", "relation", "weight")


def orphans(layout: Layout) -> pl.DataFrame:
    """See `Ancestry.orphans`."""
    parts: list[Edges] = []
    for segment, view in enumerate(layout.views):
        edge_positions = view.arrays["orphan"].astype(np.int64)
        ranks = adjacency.rows_of(view.arrays, edge_positions)
        parts.append(_edges(layout, segment, ranks, edge_positions))
    return frame(layout, Edges.join(parts)).drop("parent")


def frame(layout: Layout, edges_: Edges) -> pl.DataFrame:
    """Build a frame of edges: child, parent, dataset, round, row, relation, weight."""
    orphan = np.flatnonzero(edges_.parent < 0)
    segments, rows = layout.rows_of(np.maximum(edges_.parent, 0))
    labels = layout.labels
    for segment in np.unique(edges_.segment[orphan]).tolist():
        view = layout.views[segment]
        mine = orphan[edges_.segment[orphan] == segment]
        positions = np.searchsorted(view.arrays["orphan"], edges_.edge[mine])
        rows[mine] = view.arrays["orphan_row"][positions]
        segments[mine] = view.arrays["orphan_slot"][positions].astype(np.int64) + len(labels)
        named = [(slot.dataset, slot.round) for slot in view.slots]
        labels = labels.vstack(pl.DataFrame(named, schema=labels.schema, orient="row"))
    return pl.DataFrame(
        {
            "child": edges_.child,
            "parent": edges_.parent,
            **_round_columns(labels, segments),
            "row": rows,
            "relation": _enum(edges_.relation, schema.RELATIONS),
            "weight": edges_.weight,
        }
    )


def _edges(
    layout: Layout, segment: int, ranks: NDArray[np.int64], edge_positions: NDArray[np.int64]
) -> Edges:
    view = layout.views[segment]
    return Edges(
        child=layout.bases[segment] + ranks,
        parent=view.numbers(view.arrays["parent"][edge_positions]),
        relation=view.arrays["relation"][edge_positions],
        weight=view.arrays["weight"][edge_positions],
        segment=np.full(len(edge_positions), segment, dtype=np.int64),
        edge=edge_positions,
    )


def _round_columns(labels: pl.DataFrame, positions: NDArray[np.intp]) -> dict[str, pl.Series]:
    """Look up data set and round by position; by column, since gathering few rows is slow."""
    numbers = labels["round"].to_numpy()[positions]
    return {"dataset": labels["dataset"].gather(positions), "round": pl.Series(numbers)}


def _enum(codes: NDArray[Any], words: Sequence[str]) -> pl.Series:
    return pl.Series(codes).cat.to(pl.Enum(words))


def _words(codes: NDArray[Any], words: Sequence[str | None]) -> pl.Series:
    """Look up the word of each code; -1 is the last word."""
    return pl.Series(words, dtype=pl.String).gather(codes.astype(np.int64))


def _binary(rows: NDArray[np.uint8]) -> pl.Series:
    """Wrap bytes [n, width] as n binary values."""
    count, width = rows.shape
    if count <= FEW:
        return pl.Series([row.tobytes() for row in rows], dtype=pl.Binary)
    import pyarrow as pa  # noqa: PLC0415  slow to import

    ends = pa.py_buffer(np.arange(0, (count + 1) * width, width, dtype=np.int64))
    values = pa.Array.from_buffers(pa.large_binary(), count, [None, ends, pa.py_buffer(rows)])
    return pl.Series(pl.from_arrow(values))
