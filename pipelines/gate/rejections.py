"""Rejections on main: `digits/reviews/r003-<id>.json`, one file for each time a round was rejected.

A rejection on a round's branch is gone as soon as somebody moves or deletes the branch. So it is
also committed to a staging branch and merged into main, signed. A file has a name of its own, the
beginning of its SHA-256, so two reviewers never conflict, and nothing that a round supersedes
touches it.

A rejection is about what the reviewer judged: the round's tables and figures, whichever commit or
branch holds them, and whatever the guard says. A round of the same content is the rejected one; a
round that was made again with another outcome is not.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from lake import polling, refs
from lake.client import Lake
from lake.errors import ConflictError, NotFoundError
from pipelines.common import digests, stored_records
from pipelines.common.settings import StrictModel
from pipelines.rounds import attestation, manifest, merged_files
from pipelines.rounds.merged_files import File

RECORD: Final = "stemma.review.record"
"""Metadata entry of a merge: SHA-256 of the record that it adds."""
ATTEMPTS: Final = 10
MAX_BYTES: Final = 1 << 16
"""Limit of the size of a record, in bytes."""
JUDGED: Final = ("counts", "metrics")
"""Sections of the manifest that a reviewer judges; others vary from run to run, such as costs."""


class Record(StrictModel):
    """A rejection, as main holds it."""

    version: Literal["stemma-review/1"] = "stemma-review/1"
    dataset: str
    round: int
    line: str
    decision: Literal["rejected"] = "rejected"
    reason: str
    committer: str
    """The reviewer, as the lake names them."""
    created: int
    """Time of the rejection, in Unix seconds."""
    seen: str
    """Id of the branch's head that the reviewer saw."""
    commit: str
    """Id of the empty commit with the rejection on the round's branch."""
    content: str
    """Digest of what was rejected, as `content` computes it."""


def content(lake: Lake, ref: str, dataset: str, number: int) -> str:
    """Digest of what a reviewer judges of a round: its tables and figures, as 64 hex digits."""
    pages = refs.partition(dataset, refs.DOCS, number)
    tables = {
        item.path: item.checksum
        for item in lake.objects(ref, f"{dataset}/")
        if refs.round_of(item.path) == number
        and item.path != refs.manifest(dataset, number)
        and not item.path.startswith(pages)
    }
    described = manifest.read_if_there(lake, ref, dataset, number)
    figures = {name: described[name] for name in JUDGED if name in described}
    return digests.of_json({"tables": tables, "figures": figures})


def keep(lake: Lake, record: Record) -> str:
    """Merge a record into main; return its path.

    Raises:
        ConflictError: main moved in every attempt.
        SigningError: there is no key to sign with.
    """
    data = encoded(record)
    path = place(record)
    entries = attestation.seal(lake, {RECORD: hashlib.sha256(data).hexdigest()})
    message = f"Keep the rejection of {record.dataset}-{record.round}"

    staging = f"{record.dataset}-{refs.REVIEWS}"
    polling.repeat(
        lambda: merged_files.merge(
            lake, refs.MAIN, {path: File(data)}, message, entries, staging=staging
        ),
        on=ConflictError,  # main moved
        interval=0,
        attempts=ATTEMPTS,
    )
    return path


def encoded(record: Record) -> bytes:
    """The bytes of a record."""
    return record.model_dump_json(indent=2).encode() + b"\n"


def place(record: Record) -> str:
    """Path of a record."""
    name = hashlib.sha256(encoded(record)).hexdigest()[:16]
    return f"{refs.table(record.dataset, refs.REVIEWS)}r{record.round:03d}-{name}.json"


def of_round(lake: Lake, dataset: str, number: int) -> list[Record]:
    """The rejections of a round that main holds, newest first.

    Raises:
        DataError: a record cannot be read, or was altered.
    """
    return [record for record in of_dataset(lake, dataset) if record.round == number]


def of_dataset(lake: Lake, dataset: str) -> list[Record]:
    """The rejections of a data set's rounds that main holds, newest first.

    Raises:
        DataError: a record cannot be read, or was altered.
    """
    try:
        paths = [item.path for item in lake.objects(refs.MAIN, refs.table(dataset, refs.REVIEWS))]
    except NotFoundError:
        return []
    records = [read(lake, refs.MAIN, path) for path in paths]
    return sorted(records, key=lambda record: record.created, reverse=True)


def read(lake: Lake, ref: str, path: str) -> Record:
    """Read a record.

    Raises:
        DataError: it cannot be read, or its path is not that of its content.
        TooLargeError: it is larger than `MAX_BYTES`.
    """
    data = lake.read(ref, path, MAX_BYTES)
    what = "a review; remove it from main"
    return stored_records.parse_named(Record, data, _written, path, where=f"at {ref}", what=what)


def _written(record: Record) -> tuple[str, bytes]:
    return place(record), encoded(record)
