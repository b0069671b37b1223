"""One round of one data set as arrays.

A row's local number is its rank among the rows of its round. The parents of a segment are numbered
over the segments that it names, one after the other; never over the commit, so that a segment is
the same in every commit that holds what it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineage.manifest import MixManifest


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One round of one data set, placed among the others of a commit."""

    dataset: str
    round: int
    base: int
    """Number of its first row."""
    rows: int
    edges: int
    mixes: tuple[MixManifest, ...]
    """The mixes that its rows name, as far as their manifests were given, in order of digest."""
    digest: str
    """Of all that its files are made from: its own tables and those of the rounds it names."""
