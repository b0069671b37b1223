"""One round of one data set as arrays.

A row's local number is its rank among the rows of its round. The parents of a segment are numbered
over the segments that it references, one after the other, and never over the whole commit, so that
a segment is the same in every commit that holds what it references.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import edges, schema
from lineage.ancestry import adjacency
from lineage.ancestry.adjacency import index_dtype
from lineage.ancestry.references import References, RoundId
from lineage.ancestry.row_index import RowIndex, in_order
from lineage.ancestry.source import Source
from lineage.errors import SchemaError
from lineage.manifest import MixManifest

ROWS: Final = pl.Schema(
    {
        name: schema.LINEAGE[name]
        for name in ("round", "row", "sample_id", "kind", "parents", "trained_on")
    }
)
DECIDED: Final = pl.Schema({name: schema.DECISIONS[name] for name in ("round", "row", "decision")})
LEFT_OUT: Final = pl.Schema({name: schema.LINEAGE[name] for name in ("round", "row")})

KIND: Final = 0b00011
"""Bits of a row's flags that hold its index in `schema.KINDS`."""
REAL: Final = schema.KINDS.index("real")
DECISION: Final = 0b101100
"""Bits of a row's flags that hold its index in `DECISIONS`, the highest of them apart."""
DECISIONS: Final = (None, *schema.OUTCOMES)
ACCEPTED: Final = DECISIONS.index("accepted") << 2
NO_MIX: Final = 255
LEAVES: Final = 0b10000
"""Bit of a row's flags: the row leaves weight to its generator."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One round of one data set, placed among the others of a commit."""

    dataset: str
    round: int
    base: int
    """Number of the segment's first row."""
    rows: int
    edges: int
    mixes: tuple[MixManifest, ...]
    """Manifests of the mixes that the rows reference, as far as they were given, by digest."""
    digest: str
    """Digest of the round's own tables and of those of the rounds that it references."""


Lookup: TypeAlias = Callable[[RoundId], RowIndex | None]
"""Returns the row index of a round; None where the commit does not hold the round."""


def build(
    source: Source, references: References, lookup: Lookup
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Build the header and the arrays of a segment.

    Args:
        source: the round.
        references: what its rows name.
        lookup: gives the rows of these rounds and of those in the mixes.

    Raises:
        SchemaError: a table has not the columns it must have, a row comes twice or is of another
            round, or a decision is none.
    """
    rows = _rows(source)
    mine = in_order(rows["row"].to_numpy())
    parents = [lookup(name) for name in references.parents]
    sizes = [row_index.count if row_index else 0 for row_index in parents]
    lengths = rows["parents"].list.len().fill_null(0).to_numpy().astype(np.int64)
    links = _links(rows["parents"], references, parents)
    arrays = {
        **_flags_and_mix(rows, lengths, links["weight"], references),
        **_ids(rows["sample_id"]),
        **links,
        **adjacency.forward(lengths),
        **adjacency.reverse(links["parent"], lengths),
        **_left_out(source, references, lookup),
    }
    arrays["flags"] |= _decided(source, mine)
    if mine.rows is not None:
        arrays["row"] = mine.rows
    return {
        "dataset": source.dataset,
        "round": source.round,
        "rows": mine.count,
        "edges": int(lengths.sum()),
        "parents": [[*name, size] for name, size in zip(references.parents, sizes, strict=True)],
        "mixes": references.mixes,
    }, arrays


def _rows(source: Source) -> pl.DataFrame:
    """Read the lineage of a round, sorted by row, with the columns that the index needs."""
    what = f"round {source.round} of {source.dataset}"
    with schema.readable(f"the lineage of {what}"):
        lineage = source.lineage()
        given = [name for name in ROWS if name in lineage.collect_schema()]
        frame = lineage.select(given).collect()
    rows = schema.conform(frame, ROWS, required=("round", "row", "sample_id", "kind"))
    _only(rows, source, what)
    rows = rows if rows["row"].is_sorted() else rows.sort("row")
    if len(rows) > 1 and (rows["row"].diff()[1:] == 0).any():
        schema.unique_key(rows, ["row"], what)
    return rows


def _only(rows: pl.DataFrame, source: Source, what: str) -> None:
    """Refuse rows of another round."""
    other = rows["round"].filter(rows["round"] != source.round)
    if len(other):
        raise SchemaError(f"{what} holds a row of round {other[0]}; keep one round in a partition")


def _flags_and_mix(
    rows: pl.DataFrame,
    lengths: NDArray[np.int64],
    weight: NDArray[np.float32],
    references: References,
) -> dict[str, NDArray[Any]]:
    """Compute flags and mix of each row; the decision is added to the flags later."""
    child = np.repeat(np.arange(len(rows)), lengths)
    rest = 1.0 - np.bincount(child, weights=weight, minlength=len(rows))
    kinds = rows["kind"].to_physical().to_numpy().astype(np.uint8)
    leaves = (rest > edges.TOLERANCE) & (kinds != REAL)
    mix = rows["trained_on"].cast(pl.Enum(references.mixes)).to_physical().cast(pl.UInt32)
    none = np.iinfo(np.uint8 if len(references.mixes) < NO_MIX else np.uint32).max
    dtype = np.uint8 if none == NO_MIX else np.uint32
    return {
        "flags": kinds | np.where(leaves, LEAVES, 0).astype(np.uint8),
        "mix": mix.fill_null(none).to_numpy().astype(dtype),
    }


def _ids(ids: pl.Series) -> dict[str, NDArray[Any]]:
    """Collect the ids sorted by row, and their first 8 bytes sorted, each with its row's rank."""
    joined = ids.to_arrow(compat_level=pl.CompatLevel.oldest())
    width = schema.ID_BYTES
    data = np.frombuffer(joined.buffers()[2], dtype=np.uint8)
    id_bytes = data[joined.offset * width :][: len(ids) * width].reshape(-1, width)
    heads = np.ascontiguousarray(id_bytes[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    order = np.argsort(heads)
    return {
        "id": id_bytes,
        "head": heads[order],
        "head_rank": order.astype(index_dtype(len(order))),
    }


def _links(
    lists: pl.Series, references: References, parents: Sequence[RowIndex | None]
) -> dict[str, NDArray[Any]]:
    """Build the edges of all rows, and separately those whose parent is absent."""
    frame = lists.filter(lists.list.len() > 0).explode().struct.unnest()
    for name in frame.columns:
        if frame[name].null_count():
            raise SchemaError(f"the {name} of a parent is null; it must have a value")
    slot = _slots(frame, references)
    rows = frame["row"].to_numpy()
    sizes = np.array([row_index.count if row_index else 0 for row_index in parents], dtype=np.int64)
    before = np.cumsum(sizes) - sizes
    local = np.full(len(frame), -1, dtype=np.int64)
    order = np.argsort(slot.astype(np.min_scalar_type(len(parents))), kind="stable")
    for parent_slot, edges_ in enumerate(np.split(order, np.cumsum(np.bincount(slot))[:-1])):
        row_index = parents[parent_slot] if len(edges_) else None
        if row_index is not None:
            ranks = row_index.ranks(rows[edges_])
            local[edges_] = np.where(ranks < 0, -1, ranks + before[parent_slot])
    dtype = index_dtype(int(sizes.sum()))
    orphan = np.flatnonzero(local < 0)
    return {
        "parent": np.where(local < 0, np.iinfo(dtype).max, local).astype(dtype),
        "weight": frame["weight"].to_numpy(),
        "relation": frame["relation"].to_physical().to_numpy().astype(np.uint8),
        "orphan": orphan.astype(index_dtype(len(local))),
        "orphan_slot": slot[orphan].astype(np.uint32),
        "orphan_row": rows[orphan],
    }


def _slots(frame: pl.DataFrame, references: References) -> NDArray[np.int64]:
    """Find the index in `references.parents` of the round of each edge's parent."""
    datasets = sorted({dataset for dataset, _ in references.parents})
    referenced = np.array(
        [(datasets.index(name), number) for name, number in references.parents], np.int64
    )
    referenced = referenced.reshape(-1, 2)
    order = np.lexsort((referenced[:, 1], referenced[:, 0]))
    words = frame["dataset"].cast(pl.Enum(datasets), strict=False).to_physical()
    edge_rounds = _joined(words.fill_null(len(datasets)).to_numpy(), frame["round"].to_numpy())
    wanted = _joined(referenced[order, 0], referenced[order, 1])
    position = np.minimum(np.searchsorted(wanted, edge_rounds), max(len(order) - 1, 0))
    if len(edge_rounds) and (not len(order) or (wanted[position] != edge_rounds).any()):
        raise SchemaError(
            "a round names other rounds than before under the same digest; give each state of its "
            "tables a digest of its own"
        )
    return order[position]


def _joined(datasets: NDArray[Any], rounds: NDArray[Any]) -> NDArray[np.int64]:
    """Encode a data set and a round as one number."""
    return (datasets.astype(np.int64) << 32) + rounds.astype(np.int64)


def _decided(source: Source, mine: RowIndex) -> NDArray[np.uint8]:
    """Encode the decision on each row as flags."""
    flags = np.zeros(mine.count, dtype=np.uint8)
    if source.decisions is None:
        return np.full_like(flags, ACCEPTED) if source.round == 0 else flags
    what = f"the decisions on round {source.round} of {source.dataset}"
    with schema.readable(what):
        frame = source.decisions().select(*DECIDED).collect()
    decisions = schema.conform(frame, DECIDED, required=tuple(DECIDED))
    _only(decisions, source, what)
    schema.unique_key(decisions, ["row"], what)
    wrong = decisions.filter(~pl.col("decision").is_in(schema.OUTCOMES))
    if len(wrong):
        raise SchemaError(f"{what} say {wrong['decision'][0]!r}, which is no decision")
    words = decisions["decision"].cast(pl.Enum(schema.OUTCOMES)).to_physical().to_numpy()
    ranks = mine.ranks(decisions["row"].to_numpy())
    held = ranks >= 0
    index = words[held].astype(np.uint8) + 1
    flags[ranks[held]] = ((index & 0b011) << 2) | ((index & 0b100) << 3)
    return flags


def decision_index(flags: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the index in `DECISIONS` that flags hold."""
    index = ((flags & 0b001100) >> 2) | ((flags & 0b100000) >> 3)
    return index.astype(np.uint8)


def _left_out(source: Source, references: References, lookup: Lookup) -> dict[str, NDArray[Any]]:
    """List the rows that mixes leave out beyond their regimes: mix index, round, rank."""
    parts: list[tuple[NDArray[Any], ...]] = []
    for slot, digest in enumerate(references.mixes):
        if digest not in source.left_out or digest not in source.mixes:
            continue
        with schema.readable(f"what the mix of round {source.round} leaves out"):
            frame = source.left_out[digest]().select(*LEFT_OUT).collect()
        rows = schema.conform(frame, LEFT_OUT, required=tuple(LEFT_OUT))
        for (number,), part in rows.group_by("round", maintain_order=True):
            row_index = lookup((source.mixes[digest].dataset, int(str(number))))
            ranks = row_index.ranks(part["row"].to_numpy()) if row_index else np.empty(0, np.int64)
            ranks = np.unique(ranks[ranks >= 0])
            parts.append((np.full(len(ranks), slot), np.full(len(ranks), number), ranks))
    columns = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)] or [np.empty(0)] * 3
    named = zip(("left_mix", "left_round", "left_rank"), columns, strict=True)
    return {name: values.astype(np.int64) for name, values in named}
