"""A merge into main, and what every merge is verified for, whatever it brings.

It brings exactly what its source changed, and its source is what a stage made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.values import Change, Commit
from lineage.guard import GuardResult
from pipelines.rounds import attestation
from pipelines.rounds.metadata import DATASET, ROUND
from pipelines.rounds.trust import Trust

SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A commit with two parents, and its changes against the first parent."""

    lake: Lake
    commit: Commit
    changes: tuple[Change, ...]

    @property
    def before(self) -> str:
        """Id of the branch's head before the merge."""
        return self.commit.parents[0]

    @property
    def source(self) -> str:
        """Id of the commit that was merged."""
        return self.commit.parents[1]


@dataclass(frozen=True, slots=True)
class MergeVerification:
    """Result of the verification of a merge."""

    wrong: str | None
    """Why verification failed, in one sentence; None: the guard let exactly this content pass."""
    result: GuardResult | None = None
    """The guard's answer in the merged manifest; None if it is missing or unreadable."""
    signer: str | None = None
    """Short name of the trusted key that signed the answer."""


def altered(merge: Merge) -> str | None:
    """Why a merge differs from its first parent by something else than its source's changes."""
    expected: dict[str, str | None] = {}
    for item in merge.lake.diff(merge.before, merge.source, checksums=True):
        if item.kind == "conflict":
            return f"it was forced: {item.path} had been changed on both sides"
        expected[item.path] = _checksum(merge.lake, merge.source, item)
    actual = {item.path: _checksum(merge.lake, merge.commit.id, item) for item in merge.changes}
    for path in sorted(actual.keys() | expected.keys()):
        if path not in expected:
            return f"it changes {path}, which its source did not bring"
        if path not in actual:
            return f"it leaves out {path}, which its source brought"
        if actual[path] != expected[path]:
            return f"it holds another {path} than its source"
    return None


def made_otherwise(merge: Merge, trusted: Trust | None) -> str | None:
    """Why what was merged is not what the round's stages made; None if it is.

    Merges of earlier releases state nothing about what they hold.
    """
    stated = merge.commit.metadata.get(attestation.CONTENT)
    if trusted is not None and trusted.is_earlier(merge.commit.id):
        trusted = None
    if stated is None and trusted is None:
        return None
    metadata = merge.commit.metadata
    dataset, number = metadata.get(DATASET, ""), refs.number(metadata.get(ROUND))
    if number is None or not refs.NAME.match(dataset):
        return "its metadata names no round"
    if attestation.content(merge.lake, merge.source, dataset, number) != stated:
        return "it merged another content than it states"
    return attestation.chain_fault(merge.lake, merge.source, trusted)


def _checksum(lake: Lake, ref: str, item: Change) -> str | None:
    """The checksum of a changed object at a ref; None if the object was removed.

    If the diff of the lake has no checksums, the object is listed.
    """
    if item.kind == "removed" or item.checksum is not None:
        return item.checksum
    same = (listed for listed in lake.objects(ref, item.path) if listed.path == item.path)
    return next(same).checksum
