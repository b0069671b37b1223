"""The index of a commit: occurrences by number, their parents and children, ids and mixes.

An occurrence's number is the base of its segment plus its rank in it. Segments are in topological
order, a parent's before its child's, so a parent's number is less than its child's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Progress, Source


class Ancestry:
    """The family tree of a commit."""

    segments: tuple[Segment, ...]
    """In topological order: a parent's segment before its child's; ties by round, then data set."""
    rows: int
    edges: int
    cyclic: tuple[Segment, ...]
    """Segments that cannot be put in order, since a parent's is not earlier; they come last."""

    def find(self, prefix: str) -> NDArray[np.int64]:
        """Find the occurrences of the samples whose id begins with hex digits.

        Args:
            prefix: 8 to 64 hex digits.

        Returns:
            Their numbers, ascending.

        Raises:
            QueryError: the prefix is too short, too long or not hexadecimal.
        """
        raise NotImplementedError

    def numbers(self, places: pl.DataFrame) -> NDArray[np.int64]:
        """Number occurrences.

        Args:
            places: dataset, round, row; other columns are ignored.

        Returns:
            A number for each row of `places`, -1 where the index does not hold it.
        """
        raise NotImplementedError

    def nodes(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """Describe occurrences.

        Returns:
            For each number, in order: number (Int64), dataset (String), round (Int32), row (Int64),
            sample_id (Binary), kind (Enum), decision (String; null: undecided, as real rows that
            nobody decided on are "accepted"), trained_on (String; null: real, or of an opaque
            model), rest (Float64: the weight left to the generator; 0 for real rows).
        """
        raise NotImplementedError

    def parents(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """List the explicit parents of occurrences.

        Returns:
            child, parent (Int64; -1: the index does not hold it), dataset, round, row (of the
            parent), relation (Enum), weight (Float32), by child in the order given, then in the
            order of the lineage row.
        """
        raise NotImplementedError

    def children(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """List the occurrences that name others as a parent.

        Returns:
            child, parent, relation, weight, by parent, then child.
        """
        raise NotImplementedError

    def orphans(self) -> pl.DataFrame:
        """List the edges to occurrences that the index does not hold.

        Returns:
            child, dataset, round, row (of the absent parent), relation, weight, by child.
        """
        raise NotImplementedError

    def members(self, segment: Segment, mix: str) -> NDArray[np.int64]:
        """List the rows that a mix drew from: its regime, its subsample, without left-out rows.

        Args:
            segment: one that names the mix.
            mix: digest of the manifest.

        Returns:
            Numbers, ascending; none where the manifest is not known. Rounds that the index does
            not hold are missing: compare with the manifest's `rows`.
        """
        raise NotImplementedError


def open_index(
    directory: Path,
    sources: Iterable[Source],
    *,
    progress: Progress | None = None,
    verify: Literal["changed", "full"] = "changed",
) -> Ancestry:
    """Open the index of a commit; build the segments that are absent, verify those that are there.

    Args:
        directory: the cache; several commits share it, and several processes may build at once.
        sources: the rounds of the commit, in any order.
        progress: told after each segment.
        verify: "changed" reads a segment's files only where one is not as it was when it was last
            verified; "full" reads and hashes all of them.

    Raises:
        SchemaError: a round comes twice, or its tables are not what they should be.
    """
    raise NotImplementedError
