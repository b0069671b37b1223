"""The branch `stemma-reviews`: records of reviews in the order in which they were merged.

Several reviewers can decide at once: the log of the branch is the order of their decisions, and a
record that no signed merge brought does not count (`pipelines.rounds.record_branch`).
"""

from __future__ import annotations

from typing import Final

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines.common.errors import DataError
from pipelines.reviewing import record as records
from pipelines.reviewing.record import ReviewRecord
from pipelines.rounds import record_branch
from pipelines.rounds.record_branch import Kept, RecordBranch, Records

BRANCH: Final = RecordBranch(
    refs.SAMPLE_REVIEWS,
    "stemma.review.sample_record",
    "stemma.review.sample_path",
    max_bytes=records.MAX_BYTES,
    parse=records.parse,
)


def keep(lake: Lake, record: ReviewRecord) -> Commit:
    """Add a record to the lake; return the merge that brought it.

    Raises:
        ConflictError: others added records in every attempt.
        DataError: the record is too large.
        SigningError: there is no key to sign with.
    """
    data = records.encoded(record)
    if len(data) > records.MAX_BYTES:
        raise DataError(
            f"the decision has {len(data):,} bytes, and the limit is {records.MAX_BYTES:,}; decide "
            "on fewer samples at a time"
        )
    message = (
        f"{record.action.capitalize()} {len(record.rows):,} of {record.dataset}-{record.round}"
    )
    return record_branch.keep(lake, BRANCH, records.place(record), data, message)


def of_lake(lake: Lake) -> Records[ReviewRecord]:
    """Read the records of a lake."""
    return record_branch.gathered(record_branch.read(lake, BRANCH))


def of_branch(lake: Lake, branch: str) -> list[Kept[ReviewRecord]]:
    """The records about the round of a branch, the oldest first."""
    return [kept for kept in of_lake(lake).kept if kept.record.branch == branch]


def reviewer(kept: Kept[ReviewRecord]) -> str:
    """Who decided: the name in the record, or else who merged it."""
    return kept.record.reviewer or kept.committer
