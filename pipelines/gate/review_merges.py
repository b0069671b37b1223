"""Verification of a merge that adds a reviewer's rejection to main, and nothing else."""

from __future__ import annotations

import hashlib

from lake.errors import TooLargeError
from pipelines.common.errors import DataError
from pipelines.gate import rejections
from pipelines.gate.merges import Merge, MergeVerification
from pipelines.rounds import attestation
from pipelines.rounds.trust import Trust


def of_review(merge: Merge, trusted: Trust | None) -> MergeVerification:
    """Verify that a merge adds one record of a review, which is signed and says who merged it.

    Args:
        merge: the merge, whose changes `path_scope.reviews` describes.
        trusted: the trusted keys, of which one must have signed; None: signatures are not verified.
    """
    signer = None
    if trusted is not None:
        signer = attestation.signer_of(merge.lake, merge.commit.metadata, trusted)
    return MergeVerification(_fault(merge, signed=trusted is None or bool(signer)), signer=signer)


def _fault(merge: Merge, *, signed: bool) -> str | None:
    """Why a merge is no review that somebody signed, in one sentence; None if it is."""
    if len(merge.changes) != 1:
        return f"it adds {len(merge.changes)} records of reviews, and each has a merge of its own"
    path, commit = merge.changes[0].path, merge.commit
    try:
        record = rejections.read(merge.lake, commit.id, path)
    except (DataError, TooLargeError) as error:
        return str(error)
    if record.committer != commit.committer:
        return f"{path} says that {record.committer} decided, and {commit.committer} merged it"
    digest = hashlib.sha256(rejections.encoded(record)).hexdigest()
    if commit.metadata.get(rejections.RECORD) != digest:
        return f"its {rejections.RECORD} is not that of {path}"
    return None if signed else f"the review in {path} {attestation.unsigned(commit.metadata)}"
