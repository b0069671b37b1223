"""The index of a commit: occurrences by number, their parents and children, ids and mixes.

An occurrence's number is the base of its segment plus its rank in it. Segments are in topological
order, a parent's before its child's, so a parent's number is less than its child's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import id_prefixes
from lineage.ancestry import membership, store, tables
from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Progress, Source
from lineage.ancestry.views import Layout, View
from lineage.errors import CycleError, QueryError


class Ancestry:
    """The family tree of a commit.

    Attributes:
        segments: in topological order: a parent's segment before its child's; ties by round, then
            data set.
        rows: of all segments.
        edges: of all segments.
        cyclic: segments that cannot be put in order, since a parent's is not earlier; they come
            last.
        layout: the arrays of the segments.
    """

    def __init__(self, views: Sequence[View], cyclic: int) -> None:
        """Join the segments of a commit, the last `cyclic` of which have no topological order."""
        self.layout = Layout(views)
        self.segments = tuple(view.segment for view in views)
        self.cyclic = self.segments[len(views) - cyclic :]
        self.rows = sum(segment.rows for segment in self.segments)
        self.edges = sum(segment.edges for segment in self.segments)

    def find(self, prefix: str) -> NDArray[np.int64]:
        """Find the occurrences of the samples whose id begins with hex digits.

        Args:
            prefix: 8 to 64 hex digits.

        Returns:
            Their numbers, ascending.

        Raises:
            QueryError: the prefix is too short, too long or not hexadecimal.
        """
        digits = id_prefixes.parse(prefix)
        numbers = [view.segment.base + tables.find(view, digits) for view in self.layout.views]
        return np.sort(np.concatenate([np.empty(0, np.int64), *numbers]))

    def numbers(self, occurrences: pl.DataFrame) -> NDArray[np.int64]:
        """Look up the numbers of occurrences.

        Args:
            occurrences: dataset, round, row; other columns are ignored.

        Returns:
            A number for each row of `occurrences`, -1 where the index does not hold it.
        """
        return tables.numbers(self.layout, occurrences)

    def nodes(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """Describe occurrences by number.

        Returns:
            For each number, in order: number (Int64), dataset (String), round (Int32), row (Int64),
            sample_id (Binary), kind (Enum), decision (String; null: undecided; real rows without
            decisions are accepted), trained_on (String; null: real, or of an opaque model), rest
            (Float64: the weight left to the generator; 0 for real rows).

        Raises:
            QueryError: a number is none of the index.
        """
        return tables.nodes(self.layout, self.validated(numbers))

    def parents(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """List the explicit parents of occurrences.

        Returns:
            child, parent (Int64; -1: the index does not hold it), dataset, round, row (of the
            parent), relation (Enum), weight (Float32), by child in the order given, then in the
            order of the lineage row.

        Raises:
            QueryError: a number is none of the index.
        """
        return tables.parents(self.layout, self.validated(numbers))

    def children(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """List the occurrences that have one of the given ones as an explicit parent.

        Returns:
            child, parent (Int64), relation (Enum), weight (Float32), by parent, then child, then
            in the order of the child's lineage row. A parent that is given twice counts once.

        Raises:
            QueryError: a number is none of the index.
        """
        return tables.children(self.layout, np.unique(self.validated(numbers)))

    def orphans(self) -> pl.DataFrame:
        """List the edges to occurrences that the index does not hold.

        Returns:
            child, dataset, round, row (of the absent parent), relation, weight, by child.
        """
        return tables.orphans(self.layout)

    def members(self, segment: Segment, mix: str) -> NDArray[np.int64]:
        """List the rows that a mix drew from: by its regime and subsample, without left-out rows.

        Args:
            segment: one that references the mix.
            mix: digest of the manifest.

        Returns:
            Numbers, ascending; none where the manifest is not known. Rounds that the index does
            not hold are missing: compare with the manifest's `rows`.

        Raises:
            QueryError: the segment references no such mix.
            MixError: the subsample was drawn by a rule that this version does not know.
        """
        position = self.layout.positions[segment.dataset, segment.round]
        view = self.layout.views[position]
        if mix not in view.mixes:
            raise QueryError(
                f"round {segment.round} of {segment.dataset} names no mix {mix[:12]!r}; it names "
                f"{', '.join(digest[:12] for digest in view.mixes) or 'none'}"
            )
        layout = self.layout
        parts = membership.parts(layout, view, view.mixes.index(mix))
        numbers = [layout.bases[part.segment] + np.flatnonzero(part.rows(layout)) for part in parts]
        return np.sort(np.concatenate([np.empty(0, np.int64), *numbers]))

    def check_order(self) -> None:
        """Check that every parent is earlier than its child.

        Raises:
            CycleError: some segments cannot be put in order.
        """
        if self.cyclic:
            rounds = " and ".join(
                f"round {segment.round} of {segment.dataset}" for segment in self.cyclic[:2]
            )
            raise CycleError(
                f"{rounds} cannot be put in order, since rounds descend from each other or from "
                "themselves; publish again the one that names a later round, or ask about a commit "
                "in which it is not superseded"
            )

    def validated(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers as an array, after checking that each is in range.

        Raises:
            QueryError: a number is none of the index.
        """
        validated = np.asarray(numbers, dtype=np.int64)
        if validated.size and not (validated.min() >= 0 and validated.max() < self.rows):
            wrong = validated[(validated < 0) | (validated >= self.rows)][0]
            raise QueryError(
                f"there is no occurrence {wrong}; the index numbers them from 0 to {self.rows - 1}"
            )
        return validated


def open_index(
    directory: Path,
    sources: Iterable[Source],
    *,
    progress: Progress | None = None,
    verify: Literal["changed", "full"] = "changed",
) -> Ancestry:
    """Open the index of a commit: build the segments that are absent, verify the others.

    Args:
        directory: the cache; several commits share it, and several processes may build at once.
        sources: the rounds of the commit, in any order.
        progress: told after each segment.
        verify: "changed" reads a segment's file only where it is not as it was when it was last
            verified; "full" reads and hashes all of them.

    Raises:
        SchemaError: a round comes twice, or its tables are not what they should be.
        CacheError: the directory cannot be written.
    """
    views, cyclic = store.load(directory, list(sources), progress, full=verify == "full")
    return Ancestry(views, cyclic)
