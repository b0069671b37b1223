"""Verification of a merge that adds a reviewer's rejection to main, and nothing else."""

from __future__ import annotations

import hashlib

from lake.errors import TooLargeError
from pipelines.common.errors import DataError
from pipelines.gate import rejections
from pipelines.gate.merge_verification import Merge
from pipelines.rounds import attestation
from pipelines.rounds.trust import Trust


def of_review(merge: Merge, trusted: Trust | None) -> str | None:
    """Verify that a merge adds one record of a review, which is signed and says who merged it.

    Args:
        merge: the merge, whose changes `path_scope.reviews` describes.
        trusted: the trusted keys, of which one must have signed; None: signatures are not verified.

    Returns:
        Why verification failed, in one sentence; None if it succeeded.
    """
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
    if trusted is None or attestation.signer_of(merge.lake, commit.metadata, trusted) is not None:
        return None
    return f"the review in {path} {attestation.unsigned(commit.metadata)}"
