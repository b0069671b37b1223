"""A branch of a lake that holds signed records, each of which a merge of its own brought.

A record is committed to a staging branch and merged, with its path and its SHA-256 in the metadata,
which is signed. So several people can write at once, and the log of the branch is the order of
their records. A record is read at the merge that brought it: what is changed or removed on the
branch later counts as before, and what no signed merge brought does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lake import polling, refs
from lake.client import Lake
from lake.errors import (
    ConflictError,
    CorruptError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from lake.values import Commit
from pipelines.rounds import attestation, trust
from pipelines.rounds.staging_branch import staging_branch
from pipelines.rounds.trust import Trust

ATTEMPTS: Final = 20
SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class RecordBranch:
    """The branch, and the names of the metadata entries that its merges have."""

    name: str
    record: str
    """Entry with the SHA-256 of the record that a merge brings."""
    path: str
    """Entry with the path of that record."""
    max_bytes: int
    """Limit of the size of a record."""


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """A record as it is stored, and the merge that brought it."""

    data: bytes
    path: str
    commit: str
    committer: str
    """Who merged it, as the lake names them."""
    signer: str | None
    """Short name of the trusted key that signed it; None: signatures are not verified."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A merge whose record does not count, and why."""

    reason: str


def keep(lake: Lake, branch: RecordBranch, path: str, data: bytes, message: str) -> Commit:
    """Add a record to the lake; return the merge that brought it.

    Raises:
        ConflictError: others added records in every attempt.
        SigningError: there is no key to sign with.
    """
    entries = {branch.record: hashlib.sha256(data).hexdigest(), branch.path: path}
    sealed = attestation.seal(lake, entries)
    _ensure(lake, branch)

    def merge() -> Commit:
        with staging_branch(lake, branch.name, branch.name) as staging:
            lake.write_bytes(staging, path, data, "application/json")
            commit = lake.commit(staging, message, sealed)
            return lake.merge(commit.id, branch.name, message, sealed)

    return polling.repeat(merge, on=ConflictError, interval=0, attempts=ATTEMPTS)


def read(lake: Lake, branch: RecordBranch) -> Iterator[KeptBytes | Refused]:
    """Read the records of a lake, the oldest first."""
    head = lake.head(branch.name)
    if head is None:
        return
    trusted = trust.load(lake)
    merges = [each for each in lake.log(head, first_parent=True) if branch.record in each.metadata]
    for commit in reversed(merges):
        yield _of_merge(lake, branch, commit, trusted)


def _of_merge(
    lake: Lake, branch: RecordBranch, commit: Commit, trusted: Trust | None
) -> KeptBytes | Refused:
    """The record that a merge brought, or why it does not count."""
    path, signer = commit.metadata.get(branch.path, ""), None
    if trusted is not None:
        signer = attestation.signer_of(lake, commit.metadata, trusted)
        if signer is None:
            return Refused(f"{path} on {branch.name} {attestation.unsigned(commit.metadata)}")
    try:
        data = lake.read(commit.id, path, branch.max_bytes)
    except (NotFoundError, TooLargeError, InvalidError, CorruptError) as error:
        return Refused(f"the merge {commit.id[:SHORT]} on {branch.name}: {error}")
    if hashlib.sha256(data).hexdigest() != commit.metadata[branch.record]:
        return Refused(f"{path} on {branch.name} is not the record that its merge names")
    return KeptBytes(data, path, commit.id, commit.committer, signer)


def _ensure(lake: Lake, branch: RecordBranch) -> None:
    """Make the branch at the first commit of main, unless it is there."""
    if lake.head(branch.name) is None:
        *_, first = lake.log(refs.MAIN)
        with suppress(ConflictError):  # somebody else has made it meanwhile
            lake.create_branch(branch.name, first.id)
