"""Families: the ancestors of an occurrence, up to real roots, mixes and opaque models.

Only explicit edges are followed. Where an occurrence leaves weight to its generator, the walk ends
at the mix that the generator was fitted on, and not at each row of the mix. The real rows of the
mix are counted, and so are those behind its synthetic rows through earlier mixes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry import walks
from lineage.ancestry.index import Ancestry
from lineage.ancestry.segments import Segment
from lineage.manifest import MixManifest

NODE: Final = ("dataset", "round", "row")
FACTS: Final = ("generator", "attribution", "source", "licence")
"""Columns of lineage that the index does not hold."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """All ancestors of an occurrence along explicit edges."""

    nodes: pl.DataFrame
    """As `Ancestry.nodes`, with steps (fewest edges from the occurrence) and parents, a list of
    number, dataset, round, row, relation, weight, where number is -1 for a parent that the index
    does not hold. Sorted by steps, then number, so the occurrence itself comes first."""

    @property
    def occurrences(self) -> pl.DataFrame:
        """dataset, round, row of every node."""
        return self.nodes.select(NODE)

    def with_facts(self, lineage: pl.DataFrame) -> Family:
        """Return the same family with the columns `FACTS` of each node.

        Args:
            lineage: rows as `schema.LINEAGE` with their `dataset`; of some nodes, perhaps.
        """
        facts = lineage.select(*NODE, *FACTS)
        return Family(self.nodes.join(facts, on=NODE, how="left", maintain_order="left"))


@dataclass(frozen=True, slots=True, eq=False)
class MixRoots:
    """The real rows that a mix drew from, by number."""

    mix: MixManifest
    direct: Numbers
    """Real rows in the mix itself."""
    behind: Numbers
    """Real rows in the mix and in every earlier mix that its synthetic rows come from."""


def trace(index: Ancestry, number: int) -> Family:
    """Follow explicit edges from an occurrence back to their ends."""
    ancestors = walks.ancestors(index, np.array([number], dtype=np.int64))
    parent = pl.struct(pl.col("parent").alias("number"), *NODE, "relation", "weight")
    edges = ancestors.edges.group_by("child", maintain_order=True).agg(parent.alias("parents"))
    nodes = index.nodes(ancestors.nodes["number"].to_numpy())
    described = nodes.with_columns(ancestors.nodes["steps"]).join(
        edges, left_on="number", right_on="child", how="left", maintain_order="left"
    )
    return Family(described.with_columns(pl.col("parents").fill_null([])))


def mixes(family: Family) -> dict[str, tuple[str, int]]:
    """List the mixes at which a family ends, by digest, with the round that references each."""
    ends = family.nodes.filter((pl.col("rest") > 0) & pl.col("trained_on").is_not_null())
    named = ends.unique(["trained_on"], keep="first").sort("trained_on")
    rows = named.select("trained_on", "dataset", "round").iter_rows()
    return {digest: (dataset, number) for digest, dataset, number in rows}


def roots(index: Ancestry, dataset: str, number: int, digest: str) -> MixRoots | None:
    """Find the real rows that a mix drew from, directly and through earlier mixes.

    Args:
        index: the index.
        dataset: of a round that names the mix.
        number: of that round.
        digest: of the mix.

    Returns:
        None where the index does not know the mix's manifest.
    """
    held = (
        candidate
        for candidate in index.segments
        if (candidate.dataset, candidate.round) == (dataset, number)
    )
    named = ((segment, mix) for segment in held for mix in segment.mixes if mix.digest == digest)
    segment, mix = next(named, (None, None))
    if segment is None or mix is None:
        return None
    direct = _real(index, segment, mix)
    behind, seen, ahead = [direct], {digest}, [mix]
    while ahead:
        for earlier, source_mix in _sources(index, ahead.pop()):
            if source_mix.digest not in seen:
                seen.add(source_mix.digest)
                ahead.append(source_mix)
                behind.append(_real(index, earlier, source_mix))
    return MixRoots(mix, direct, np.unique(np.concatenate(behind)))


def segments_of(index: Ancestry, numbers: Numbers) -> NDArray[np.intp]:
    """Return the position in `index.segments` of each occurrence's round."""
    ends = np.array([segment.base + segment.rows for segment in index.segments], dtype=np.int64)
    return np.searchsorted(ends, numbers, side="right")


def by_round(index: Ancestry, numbers: Numbers) -> pl.DataFrame:
    """Count occurrences per round: dataset, round, rows (Int64); rounds without any are absent."""
    counts = np.bincount(segments_of(index, numbers), minlength=len(index.segments))
    columns = {"dataset": pl.String, "round": pl.Int32, "rows": pl.Int64}
    counted = [
        (segment.dataset, segment.round, int(rows))
        for segment, rows in zip(index.segments, counts, strict=True)
    ]
    frame = pl.DataFrame(counted, schema=columns, orient="row")
    return frame.filter(pl.col("rows") > 0).sort("dataset", "round")


def _sources(index: Ancestry, mix: MixManifest) -> Iterator[tuple[Segment, MixManifest]]:
    """List the mixes that the rows of a mix come from, each with a round that references it."""
    drawn = {part.round for part in mix.rounds}
    for segment in index.segments:
        if segment.dataset == mix.dataset and segment.round in drawn:
            for named_mix in segment.mixes:
                yield segment, named_mix


def _real(index: Ancestry, segment: Segment, mix: MixManifest) -> Numbers:
    """Find the real rows in a mix."""
    members = index.members(segment, mix.digest)
    real_members = [
        members[(members >= candidate.base) & (members < candidate.base + candidate.rows)]
        for candidate, view in zip(index.segments, index.layout.views, strict=True)
        if candidate.dataset == mix.dataset and view.is_real
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *real_members])
