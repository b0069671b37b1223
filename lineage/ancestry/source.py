"""What the caller provides about one round of a commit, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

from lineage.manifest import MixManifest

Frames: TypeAlias = Callable[[], pl.LazyFrame]
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of segments that are ready, and the number of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One round of one data set, and how to read its tables."""

    dataset: str
    round: int
    digest: str
    """Digest that changes whenever one of the tables below changes."""
    lineage: Frames
    """Rows as `schema.LINEAGE`, one per candidate, in any order; `row` may have gaps."""
    decisions: Frames | None = None
    """Rows of round, row, decision; None for round 0, and where nothing is decided yet."""
    mixes: Mapping[str, MixManifest] = field(default_factory=dict)
    """Manifests by digest of the mixes that the rows reference in `trained_on`."""
    left_out: Mapping[str, Frames] = field(default_factory=dict)
    """Accepted rows (round, row) that a mix leaves out beyond its regime, by the mix's digest."""
    real: bool = False
    """Whether this is a later round that brings real rows alone, as its manifest says."""

    @property
    def is_real(self) -> bool:
        """Whether all rows are real: round 0, and later rounds that bring real rows."""
        return self.real or self.round == 0
