"""What take-downs took from the hold-out, so that its digests can still be held against it.

Round 0 states digests of its held-out rows, which no later round changes. A take-down that removes
some of them writes the parts that held them again on main of the hold-out's repository, beside a
signed record: which object stands for which, and the digests of the rows that it lacks, as a purge
says it (`pipelines.rounds.purges`). Who compares the hold-out with what round 0 states counts these
rows as there. A record that nobody trusted signed excuses nothing.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl
from pydantic import ValidationError

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError
from pipelines.common.settings import strictly
from pipelines.common.signing import Signer, Trusted
from pipelines.rounds import purges, trust
from pipelines.rounds.purges import LACKING, PurgeRecord

PREDICATE: Final = "https://stemma.dev/held-out-takedown/v1"
"""Type of the predicate of a record."""
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def path(name: str, number: int) -> str:
    """Where the record of a take-down lies in the repository of the hold-out, counted from 1."""
    return refs.takedown(name, f"{number:03d}{dsse.SUFFIX}")


def encoded(record: PurgeRecord, signer: Signer) -> bytes:
    """Sign a record: an in-toto statement about the parts that were written again."""
    return purges.signed(record, signer, PREDICATE, [item.cleaned for item in record.objects])


def records(lake: Lake, ref: str) -> list[PurgeRecord]:
    """The records that a ref of the hold-out's repository holds and that count."""
    trusted = trust.keys()
    try:
        listed = [item.path for item in lake.objects(ref, f"{refs.TAKEDOWNS}/")]
    except NotFoundError:
        return []
    found = (_read(lake, ref, each, trusted) for each in sorted(listed))
    return [each for each in found if each is not None]


def lacking_at(lake: Lake, ref: str, prefix: str) -> pl.DataFrame:
    """The rows that the tables under a prefix lack at a ref, taken down or purged, as `LACKING`.

    Args:
        lake: the repository of the hold-out.
        ref: branch, tag or commit.
        prefix: of the paths of their parts.
    """
    known, purged = records(lake, ref), purges.of_lake(lake)
    parts = [purges.lacking_at(lake, ref, prefix)]
    for item in lake.objects(ref, prefix) if known else ():
        written = purged.original(item.checksum)
        parts += [
            pl.DataFrame(
                [
                    {
                        "round": refs.round_of(item.path),
                        "row": row.row,
                        "sample_id": bytes.fromhex(row.sample_id),
                        "columns_digest": bytes.fromhex(row.columns_digest or ""),
                        "takedown": one.takedown,
                    }
                    for row in part.rows
                ],
                schema=LACKING,
            )
            for one in known
            for part in one.objects
            if part.cleaned.md5 == written
        ]
    together = pl.concat(parts)
    return together.unique(["row", "sample_id"], keep="first").sort("round", "row")


def parsed(envelope: object, trusted: Trusted | None) -> PurgeRecord:
    """Read a signed record; without trusted keys its signature is not verified.

    Raises:
        EnvelopeError: it is no record, or nobody trusted signed it.
    """
    content = dsse.content(envelope, trusted)
    if content.get("predicateType") != PREDICATE:
        raise EnvelopeError("the statement is about no held-out rows; find who wrote it")
    try:
        record = strictly(PurgeRecord, content.get("predicate"))
    except ValidationError as error:
        raise EnvelopeError(
            "the statement is no record of a take-down; find who wrote it"
        ) from error
    rows = (row for part in record.objects for row in part.rows)
    if any(not _is_digest(each) for row in rows for each in (row.sample_id, row.columns_digest)):
        raise EnvelopeError("the record names a row by no digest; find who wrote it")
    return record


def _is_digest(text: str | None) -> bool:
    return text is not None and DIGEST.fullmatch(text) is not None


def _read(lake: Lake, ref: str, place: str, trusted: Trusted | None) -> PurgeRecord | None:
    """Read a record; None if it is none, or if keys are trusted and none of them signed it."""
    try:
        return parsed(documents.parse_json(lake.read(ref, place, dsse.MAX_BYTES)), trusted)
    except (EnvelopeError, DocumentError):
        return None
