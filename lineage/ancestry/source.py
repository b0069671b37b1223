"""What the caller knows about one round at a commit, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

from lineage.manifest import MixManifest

Frames: TypeAlias = Callable[[], pl.LazyFrame]
Progress: TypeAlias = Callable[[int, int], None]
"""Told how many segments are ready, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One round of one data set."""

    dataset: str
    round: int
    digest: str
    """Changes when anything below changes: the lake's checksums of the files."""
    lineage: Frames
    """Rows as `schema.LINEAGE`, one per candidate, in any order; `row` may have gaps."""
    decisions: Frames | None = None
    """round, row, decision; None: round 0, where every row is accepted, or not decided yet."""
    mixes: Mapping[str, MixManifest] = field(default_factory=dict)
    """Digest to manifest of the mixes that the rows name in `trained_on`."""
    left_out: Mapping[str, Frames] = field(default_factory=dict)
    """Digest of a mix to the accepted rows (round, row) that it leaves out beyond its regime."""
