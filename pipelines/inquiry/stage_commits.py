"""The commits by which the stages of a round made it, found from any ref that holds the round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.client import Lake
from lake.values import Commit
from pipelines.rounds import history
from pipelines.rounds.history import MERGED, Published
from pipelines.rounds.metadata import StageMetadata

STARTING = ("ingest", "generate")
"""Stages whose commit is the first of a round."""


@dataclass(slots=True)
class Finder:
    """Finds the commits of rounds that one commit holds."""

    lake: Lake
    ref: str
    _published: dict[str, dict[int, Published]] = field(default_factory=dict)

    def find(self, dataset: str, number: int) -> Mapping[str, Commit]:
        """Find the newest commit of each stage of a round, by stage; none if nothing made it here.

        A round that was merged is followed from what its merge brought, and any other one from the
        ref itself.

        Raises:
            DataError: the metadata of a commit is damaged.
        """
        found: dict[str, Commit] = {}
        for commit in self.lake.log(self._start(dataset, number), first_parent=True):
            metadata = StageMetadata.from_commit(commit)
            if metadata is None:
                continue
            if metadata.stage == "publish":
                break
            if (metadata.dataset, metadata.round) == (dataset, number):
                found.setdefault(metadata.stage, commit)
                if metadata.stage in STARTING:
                    break
        return found

    def _start(self, dataset: str, number: int) -> str:
        """The merged commit of a round, even if its manifest was changed since; else the ref."""
        if dataset not in self._published:
            self._published[dataset] = history.published(self.lake, dataset, self.ref)
        known = self._published[dataset].get(number)
        if known is not None:
            return known.source
        for commit in self.lake.log(self.ref, first_parent=True):
            metadata = StageMetadata.from_commit(commit)
            merges = metadata is not None and metadata.publishes(dataset, number)
            if merges and len(commit.parents) == MERGED:
                return commit.parents[1]
        return self.ref
