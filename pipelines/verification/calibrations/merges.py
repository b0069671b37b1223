"""Which calibrations count: those that a signed merge into main brought.

Anybody with write access can put a file on main that makes a verifier look good, or take one away
that does not. So a calibration is read as the merge that brought it left it: the merge names the
path of the record and digests of both of its files, and a trusted key signed it
(`pipelines.rounds.attestation`). Merges from before signing began need no signature. Where no key
is trusted, signatures are not verified, and digests are. Any other file on main is counted, and
left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError, TooLargeError
from lake.values import Commit
from pipelines.common.errors import DataError
from pipelines.rounds import attestation, history, trust
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.trust import Trust
from pipelines.verification.calibrations import records
from pipelines.verification.calibrations.records import Record

NAME: Final = re.compile(r"/(?:planted|r\d+)-(\d{1,9})\.json\Z")
STAGE: Final = "calibrate"
"""Stage that the metadata of a calibration's merge names."""
PATH: Final = "stemma.calibration"
"""Metadata entry: path of the record; merges of earlier releases have none."""
RECORD: Final = "stemma.calibration.record"
"""Metadata entry: SHA-256 of the record's JSON."""
ROWS: Final = "stemma.calibration.rows"
"""Metadata entry: SHA-256 of the Parquet file with the audited rows."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A calibration, and where it is stored."""

    record: Record
    path: str
    """Empty if it is not stored."""
    digest: str = ""
    """SHA-256 of the record's JSON."""
    signer: str | None = None
    """Short name of the trusted key that signed its merge."""
    commit: str = ""
    """The merge that brought it; empty if it is not stored."""
    committer: str = ""
    """Who merged it, as the lake names them."""

    @property
    def reviewer(self) -> str:
        """Who filled in the sheet, or planted errors."""
        return self.record.reviewer or self.committer


@dataclass(frozen=True, slots=True)
class Calibrations:
    """The calibrations of a data set."""

    counting: tuple[Stored, ...]
    """Those that count, newest first."""
    unsigned: int
    """Number of records on main that no signed merge brought as they are."""
    unreadable: int
    """Number of files on main that should be records and are none."""


def all_of(lake: Lake, dataset: str, ref: str = refs.MAIN) -> Calibrations:
    """Read the calibrations of a data set that a ref holds.

    Raises:
        SigningError: a trusted key cannot be read.
    """
    trusted = trust.load(lake)
    try:
        here = dict(_files(lake, dataset, ref))
        merges = list(_merges(lake, dataset, ref, trusted))
    except NotFoundError:
        return Calibrations((), 0, 0)
    counting: dict[tuple[str, str], Stored] = {}
    for merge in reversed(merges):  # a merge that is repeated makes nothing newer
        for stored in _readable(lake, merge, here, trusted):
            counting.setdefault((stored.path, stored.digest), stored)
    others = [path for path, data in here.items() if (path, sha256(data)) not in counting]
    unreadable = sum(_parsed(here[path], path) is None for path in others)
    newest_first = tuple(counting.values())[::-1]
    return Calibrations(newest_first, len(others) - unreadable, unreadable)


def read(lake: Lake, merge: Commit, here: Mapping[str, bytes] | None = None) -> list[Stored]:
    """Read the calibration that a merge brought; one of an earlier release may have brought more.

    Args:
        lake: the lake.
        merge: the merge.
        here: files that were read already, by path; another one that the merge does not name is
            read again.

    Raises:
        DataError: a file is no record, or not the one that the merge names.
        NotFoundError: the merge does not hold the record that it names.
        TooLargeError: a file is too large for a record.
    """
    named = merge.metadata.get(RECORD)
    stored = []
    for path in _paths(lake, merge):
        data = (here or {}).get(path, b"")
        if named is None or sha256(data) != named:
            data = lake.read(merge.id, path, records.MAX_BYTES)
        digest = sha256(data)
        if named not in {None, digest}:
            raise DataError(f"{path} at {merge.id[:12]} is not the record that its merge names")
        record = records.parse(data, path)
        if not path.startswith(refs.calibration(record.dataset, record.suite_digest)):
            raise DataError(f"{path} is about another suite than its folder")
        stored.append(Stored(record, path, digest, None, merge.id, merge.committer))
    return stored


def rows_path(path: str) -> str:
    """Path of the audited rows of the record at a path."""
    return path.removesuffix(".json") + ".parquet"


def number(path: str) -> int:
    """Number of the record at a path among those of its suite; 0 if no record has such a path."""
    match = NAME.search(path)
    return int(match[1]) if match else 0


def sha256(data: bytes) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def _merges(lake: Lake, dataset: str, ref: str, trusted: Trust | None) -> Iterator[Commit]:
    """The merges of calibrations that are signed, or from before signing began, newest first."""
    for commit in lake.log(ref, first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        calibrates = metadata is not None and (metadata.stage, metadata.dataset) == (STAGE, dataset)
        if calibrates and history.is_proved(lake, commit, trusted):
            yield commit


def _readable(
    lake: Lake, merge: Commit, here: Mapping[str, bytes], trusted: Trust | None
) -> list[Stored]:
    """What a merge brought; nothing if it cannot be read."""
    signer = attestation.signer_of(lake, merge.metadata, trusted) if trusted else None
    try:
        found = read(lake, merge, here)
    except (DataError, NotFoundError, TooLargeError):
        return []
    return [replace(stored, signer=signer) for stored in found]


def _paths(lake: Lake, merge: Commit) -> list[str]:
    """Paths of the records that a merge brought."""
    if PATH in merge.metadata:
        return [merge.metadata[PATH]]
    changes = lake.diff(merge.parents[0], merge.id, three_dot=False)
    return [item.path for item in changes if item.kind == "added" and number(item.path)]


def _files(lake: Lake, dataset: str, ref: str) -> Iterator[tuple[str, bytes]]:
    """Paths and content of the records at a ref; one that is too large counts as empty."""
    for item in lake.objects(ref, refs.table(dataset, refs.CALIBRATION)):
        if number(item.path):
            large = item.size > records.MAX_BYTES
            yield item.path, b"" if large else lake.read(ref, item.path, records.MAX_BYTES)


def _parsed(data: bytes, path: str) -> Record | None:
    try:
        return records.parse(data, path)
    except DataError:
        return None
