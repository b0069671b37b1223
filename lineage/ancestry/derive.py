"""Every derived column of every row, from the graph alone.

The definitions are those of `lineage.record`. Nothing stored is trusted: the figures of a mix follow
from the derived values of its members. What the index does not hold (an absent parent, a mix of
unknown manifest) counts as an opaque model does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from lineage.ancestry.index import Ancestry
from lineage.ancestry.segments import Segment


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """The derived values of a segment."""

    segment: Segment
    rows: pl.DataFrame
    """row (Int64), real_inputs, real_roots, depth_mean (Float64), depth_min, depth_max (Int64), in
    order of row; depths are null where no walk ends at a real sample."""
    mixes: pl.DataFrame
    """dataset, round (of the segment), mix (digest), held (Int64: members that the index holds),
    rows (Int64: members by the manifest; null where it is unknown), real_share, real_roots,
    depth_mean (Float64), depth_min, depth_max (Int64): one row per mix that the segment names."""


def derive(index: Ancestry) -> Iterator[tuple[Segment, pl.DataFrame]]:
    """Derive each segment's columns, in topological order; see `Derived.rows`.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    return ((each.segment, each.rows) for each in rounds(index))


def mix_figures(index: Ancestry) -> pl.DataFrame:
    """Derive what each mix is; see `Derived.mixes`. To have both at once, use `rounds`.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    return pl.concat([each.mixes for each in rounds(index)])


def rounds(index: Ancestry) -> Iterator[Derived]:
    """Derive each segment's columns and the figures of the mixes it names, in topological order.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    raise NotImplementedError
