"""Verification of the approvals that a merge says a round waited for.

The merge holds the signed entries of each approval. They prove that somebody with a trusted key
approved these tables and figures; by which name the lake knows them, the signed merge says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import ValidationError

from lake import documents, refs
from lake.documents import DocumentError
from pipelines.common.settings import StrictModel, strictly
from pipelines.gate import rejections
from pipelines.gate.approvals import APPROVALS, APPROVED, APPROVED_BY, JUDGED, NEEDED
from pipelines.gate.merges import Merge
from pipelines.rounds import attestation
from pipelines.rounds.metadata import DATASET, ROUND
from pipelines.rounds.trust import Trust

EARLIER: Final = "an earlier release made the merge, which does not hold them"


class HeldApproval(StrictModel):
    """An approval as a merge holds it."""

    committer: str
    entries: Mapping[str, str]


class HeldApprovals(StrictModel):
    """All approvals that a merge holds."""

    approvals: tuple[HeldApproval, ...]


def fault(merge: Merge, trusted: Trust | None) -> str | None:
    """Find out why a merge is not approved as it says.

    Args:
        merge: the merge of a round.
        trusted: the trusted keys, of which one must have signed each approval; None: signatures are
            not verified.

    Returns:
        One sentence; None if it says nothing of approvals, holds those that it says, or is of an
        earlier release.
    """
    if APPROVED_BY not in merge.commit.metadata or not proved(merge.commit.metadata):
        return None
    return next(_faults(merge, trusted), None)


def proved(metadata: Mapping[str, str]) -> bool:
    """Whether the metadata of a merge holds the approvals that it names."""
    return APPROVALS in metadata


def _faults(merge: Merge, trusted: Trust | None) -> Iterator[str]:
    metadata = merge.commit.metadata
    try:
        content = {"approvals": documents.parse_json(metadata[APPROVALS].encode())}
        held = strictly(HeldApprovals, content).approvals
    except (DocumentError, ValidationError):
        yield "the approvals that it holds cannot be read"
        return
    names = ", ".join(each.committer for each in held)
    if names != metadata[APPROVED_BY]:
        yield f"it says that {metadata[APPROVED_BY]} approved, and holds approvals of {names}"
    people = len({each.committer for each in held})
    wanted = refs.number(metadata.get(NEEDED))
    if wanted is None or people < wanted:
        yield f"it waited for {metadata.get(NEEDED, 'nobody')} people, and {people} approved"
    for each in held:
        yield from _of_one(merge, each, trusted)


def _of_one(merge: Merge, held: HeldApproval, trusted: Trust | None) -> Iterator[str]:
    metadata, entries = merge.commit.metadata, held.entries
    what = f"the approval of {held.committer}"
    if APPROVED not in entries or any(
        entries.get(name) != metadata.get(name) for name in (DATASET, ROUND)
    ):
        yield f"{what} is about another round"
        return
    number = int(metadata[ROUND])
    content = rejections.content(merge.lake, merge.source, metadata[DATASET], number)
    if entries.get(JUDGED) != content:
        yield f"{what} is about other tables or figures than it merged"
    if trusted is not None and attestation.signer_of(merge.lake, entries, trusted) is None:
        yield f"{what} {attestation.unsigned(entries)}"
