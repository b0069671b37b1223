"""The branch `stemma-reviews`: records of reviews in the order in which they were merged.

Each record is committed to a staging branch and merged, with its path and its SHA-256 in the
metadata, which is signed. So several reviewers can decide at once, the log of the branch is the
order of their decisions, and a record that no such merge brought does not count. A record is read
at the merge that brought it: what is removed or changed on the branch later counts as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from lake import polling, refs
from lake.client import Lake
from lake.errors import ConflictError, NotFoundError, TooLargeError
from lake.values import Commit
from pipelines.common.errors import DataError
from pipelines.reviewing import record as records
from pipelines.reviewing.record import ReviewRecord
from pipelines.rounds import attestation, trust
from pipelines.rounds.staging_branch import staging_branch
from pipelines.rounds.trust import Trust

RECORD: Final = "stemma.review.sample_record"
"""Metadata entry of a merge: SHA-256 of the record that it brings."""
PATH: Final = "stemma.review.sample_path"
"""Metadata entry of a merge: path of that record."""
ATTEMPTS: Final = 20
SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record, and the merge that brought it."""

    record: ReviewRecord
    commit: str
    committer: str
    """Who merged it, as the lake names them."""
    signer: str | None
    """Short name of the trusted key that signed it; None: signatures are not verified."""

    @property
    def reviewer(self) -> str:
        """Who decided."""
        return self.record.reviewer or self.committer


@dataclass(frozen=True, slots=True)
class Reviews:
    """The records of a lake."""

    records: tuple[KeptRecord, ...] = ()
    """Those that count, the oldest first."""
    refused: tuple[str, ...] = ()
    """Those that do not count, and why."""

    def of_branch(self, branch: str) -> list[KeptRecord]:
        """The records about the round of a branch, the oldest first."""
        return [each for each in self.records if each.record.branch == branch]


NONE: Final = Reviews()
_read: WeakKeyDictionary[Lake, dict[str, KeptRecord]] = WeakKeyDictionary()


def keep(lake: Lake, record: ReviewRecord) -> Commit:
    """Add a record to the lake; return the merge that brought it.

    Raises:
        ConflictError: others added records in every attempt.
        DataError: the record is too large.
        SigningError: there is no key to sign with.
    """
    data, path = records.encoded(record), records.place(record)
    if len(data) > records.MAX_BYTES:
        raise DataError(
            f"the decision has {len(data):,} bytes, and the limit is {records.MAX_BYTES:,}; decide "
            "on fewer samples at a time"
        )
    message = (
        f"{record.action.capitalize()} {len(record.rows):,} of {record.dataset}-{record.round}"
    )
    return add(lake, path, data, {RECORD: records.digest(record), PATH: path}, message)


def add(lake: Lake, path: str, data: bytes, named: Mapping[str, str], message: str) -> Commit:
    """Add a file to the branch by a signed merge of its own, which names it; return the merge.

    Raises:
        ConflictError: others added files in every attempt.
        SigningError: there is no key to sign with.
    """
    entries = attestation.seal(lake, named)
    _ensure_branch(lake)

    def merge() -> Commit:
        with staging_branch(lake, refs.SAMPLE_REVIEWS, refs.SAMPLE_REVIEWS) as branch:
            lake.write_bytes(branch, path, data, "application/json")
            commit = lake.commit(branch, message, entries)
            return lake.merge(commit.id, refs.SAMPLE_REVIEWS, message, entries)

    return polling.repeat(merge, on=ConflictError, interval=0, attempts=ATTEMPTS)


def of_lake(lake: Lake) -> Reviews:
    """Read the records of a lake; those that were read before are not read again."""
    head = lake.head(refs.SAMPLE_REVIEWS)
    if head is None:
        return NONE
    trusted = trust.load(lake)
    known = _read.setdefault(lake, {})
    found: list[KeptRecord | str] = []
    for commit in lake.log(head, first_parent=True):
        if RECORD not in commit.metadata:
            continue
        item = known.get(commit.id) or _of_merge(lake, commit, trusted)
        if isinstance(item, KeptRecord):
            known[commit.id] = item
        found.append(item)
    found.reverse()
    return Reviews(
        tuple(each for each in found if isinstance(each, KeptRecord)),
        tuple(each for each in found if isinstance(each, str)),
    )


def _of_merge(lake: Lake, commit: Commit, trusted: Trust | None) -> KeptRecord | str:
    """The record that a merge brought, or why it does not count."""
    path = commit.metadata.get(PATH, "")
    signer = None
    if trusted is not None:
        signer = attestation.signer_of(lake, commit.metadata, trusted)
        if signer is None:
            return f"{path} on {refs.SAMPLE_REVIEWS} {attestation.unsigned(commit.metadata)}"
    try:
        record = records.parse(lake.read(commit.id, path, records.MAX_BYTES), path)
    except (DataError, NotFoundError, TooLargeError) as error:
        return f"the merge {commit.id[:SHORT]} on {refs.SAMPLE_REVIEWS}: {error}"
    if records.digest(record) != commit.metadata[RECORD]:
        return f"{path} on {refs.SAMPLE_REVIEWS} is not the record that its merge names"
    return KeptRecord(record, commit.id, commit.committer, signer)


def _ensure_branch(lake: Lake) -> None:
    """Make the branch at the first commit of main, unless it is there."""
    if lake.head(refs.SAMPLE_REVIEWS) is None:
        *_, first = lake.log(refs.MAIN)
        with suppress(ConflictError):  # another reviewer has made it meanwhile
            lake.create_branch(refs.SAMPLE_REVIEWS, first.id)
