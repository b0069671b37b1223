"""A branch of a lake that holds signed records, each of which a merge of its own brought.

A record is committed to a staging branch and merged, with its path and its SHA-256 in the metadata,
which is signed. So several people can write at once, and the log of the branch is the order of
their records. A record is read at the merge that brought it: what is changed or removed on the
branch later counts as before, and what no signed merge brought does not count. A record whose merge
was repeated counts as it was merged first: whoever may write to the branch can repeat a signed
merge, and would give an old record the last word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from lake import polling
from lake.client import Lake
from lake.errors import (
    ConflictError,
    CorruptError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from lake.values import Commit
from pipelines.common.errors import DataError
from pipelines.rounds import attestation, merged_files, trust
from pipelines.rounds.merged_files import File
from pipelines.rounds.trust import Trust

ATTEMPTS: Final = 20
SHORT: Final = 12
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RecordBranch(Generic[Value]):
    """A kind of record: its branch, the metadata entries of its merges, and how it is read."""

    name: str
    record: str
    """Entry with the SHA-256 of the record that a merge brings."""
    path: str
    """Entry with the path of that record."""
    max_bytes: int
    """Limit of the size of a record."""
    parse: Callable[[bytes, str], Value]
    """From the bytes of the record at a path; a `DataError` says why it is none."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """A record, and the merge that brought it."""

    record: Value
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


@dataclass(frozen=True, slots=True)
class Records(Generic[Value]):
    """The records of one kind in a lake."""

    kept: tuple[Kept[Value], ...] = ()
    """Those that count, the oldest first."""
    refused: tuple[str, ...] = ()
    """Those that do not count, and why."""


_read: WeakKeyDictionary[Lake, dict[tuple[str, str, frozenset[str]], Kept[Any]]] = (
    WeakKeyDictionary()
)
"""Records that were read, by metadata entry, merge and the names of the keys trusted then."""


def keep(lake: Lake, branch: RecordBranch[Any], path: str, data: bytes, message: str) -> Commit:
    """Add a record to the lake; return the merge that brought it.

    Raises:
        ConflictError: others added records in every attempt.
        SigningError: there is no key to sign with.
    """
    entries = {branch.record: hashlib.sha256(data).hexdigest(), branch.path: path}
    sealed = attestation.seal(lake, entries)
    merged_files.begin(lake, branch.name)
    return polling.repeat(
        lambda: merged_files.merge(lake, branch.name, {path: File(data)}, message, sealed),
        on=ConflictError,
        interval=0,
        attempts=ATTEMPTS,
    )


def read(
    lake: Lake, branch: RecordBranch[Value], under: str = ""
) -> Iterator[Kept[Value] | Refused]:
    """Read the records of a lake, the oldest first; none that was read before is read again.

    Args:
        lake: the lake.
        branch: the kind of record.
        under: only those whose paths begin so.
    """
    head = lake.head(branch.name)
    if head is None:
        return
    trusted = trust.load(lake)
    names = frozenset[str]() if trusted is None else frozenset(trusted.keys.keys)
    known = _read.setdefault(lake, {})
    merges = [
        commit
        for commit in lake.log(head, first_parent=True)
        if branch.record in commit.metadata
        and commit.metadata.get(branch.path, "").startswith(under)
    ]
    counted: set[tuple[str, str]] = set()
    for commit in reversed(merges):
        key = (branch.record, commit.id, names)
        item = known.get(key) or _of_merge(lake, branch, commit, trusted)
        if isinstance(item, Kept):
            known[key] = item
            named = (item.path, commit.metadata[branch.record])
            if named in counted:
                continue
            counted.add(named)
        yield item


def gathered(items: Iterable[Kept[Value] | Refused]) -> Records[Value]:
    """Put the records that count and those that do not apart."""
    listed = list(items)
    return Records(
        tuple(item for item in listed if isinstance(item, Kept)),
        tuple(item.reason for item in listed if isinstance(item, Refused)),
    )


def _of_merge(
    lake: Lake, branch: RecordBranch[Value], commit: Commit, trusted: Trust | None
) -> Kept[Value] | Refused:
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
    try:
        record = branch.parse(data, path)
    except DataError as error:
        return Refused(str(error))
    return Kept(record, path, commit.id, commit.committer, signer)
