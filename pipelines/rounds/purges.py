"""Signed records of purges: what the lake held before, and who says so.

A purge leaves every commit and signature as it is, and lets the lake read cleaned objects in the
place of the purged ones (docs/decisions/0033). What was signed are the checksums of before. So each
purge leaves a record, signed by a trusted key, which says which object stands for which, and which
rows it lacks. Who compares a lake with what was signed, counted or digested reads it: an object
that a record names counts as the one that it stands for, and a row that it names as purged. An
object that no record names, or whose record nobody trusted signed, is just another one than was
signed.

Records lie on the branch `stemma-purged` of the repositories whose objects they are about, so a
lake that is moved takes them along. They hold digests and no payload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from weakref import WeakKeyDictionary

import polars as pl
from pydantic import ValidationError

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError
from pipelines.common.settings import StrictModel, strictly
from pipelines.common.signing import Signer, Trusted
from pipelines.rounds import merged_files, trust
from pipelines.rounds.merged_files import File
from pipelines.rounds.staging_branch import delete_stale

PREDICATE: Final = "https://stemma.dev/purge/v1"
"""Type of the predicate of a record."""
ROWS: Final = pl.Schema(
    {
        "object": pl.String(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "columns_digest": pl.Binary(),
        "takedown": pl.String(),
    }
)
"""Rows that cleaned objects lack: checksum (MD5) of the object, the row, and digests of it."""


class StoredBytes(StrictModel):
    """An object by its digests and size."""

    sha256: str
    md5: str
    size: int


class PurgedRow(StrictModel):
    """A row that a cleaned object lacks; digests in hex."""

    row: int
    sample_id: str
    columns_digest: str | None = None


class PurgedObject(StrictModel):
    """An object that was purged, and the one that stands for it."""

    purged: StoredBytes
    cleaned: StoredBytes
    places: tuple[str, ...]
    """Where it was, as repository and path."""
    whole: bool
    """Whether nothing of it is left."""
    count: int
    """How many rows it lacks, or cells that are null."""
    rows: tuple[PurgedRow, ...] = ()
    """Rows that it lacks, where its rows have numbers and ids."""
    left: str = ""
    """Why the lake still has its bytes; empty where it has not."""


class PurgeRecord(StrictModel):
    """What a purge took out of a lake."""

    takedown: str
    created: int
    """Unix seconds."""
    who: str
    ids: tuple[str, ...]
    """Ids of the content that was looked for, as 64 hex digits, sorted."""
    objects: tuple[PurgedObject, ...]
    unread: tuple[str, ...] = ()
    """What could not be read, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Purges:
    """The records of a lake that count."""

    paths: Mapping[str, PurgeRecord] = field(default_factory=dict)
    """By the path that it is kept at."""
    originals: Mapping[str, str] = field(default_factory=dict)
    """Checksum (MD5) of the purged object, by that of the cleaned one."""
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ROWS))
    refused: tuple[str, ...] = ()
    """Records that do not count, and why."""

    @property
    def records(self) -> tuple[PurgeRecord, ...]:
        """All of them."""
        return tuple(self.paths.values())

    def original(self, checksum: str) -> str:
        """The checksum that an object had when it was written."""
        return self.originals.get(checksum, checksum)

    def lacking(self, checksums: Iterable[str]) -> pl.DataFrame:
        """The rows that some objects lack, as `ROWS`."""
        return self.rows.filter(pl.col("object").is_in(list(checksums)))


NONE: Final = Purges()
LACKING: Final = pl.Schema(
    {"round": pl.Int32(), **{name: ROWS[name] for name in ROWS if name != "object"}}
)
"""Rows that tables lack: their round, and as `ROWS`."""
_read: WeakKeyDictionary[Lake, tuple[str | None, Purges]] = WeakKeyDictionary()


def of_lake(lake: Lake) -> Purges:
    """The records of a lake; they are read again when one was added.

    A stage, which asks only once about commits, asks only once about these too.
    """
    known = _read.get(lake)
    if known is not None and lake.connection.answers is not None:
        return known[1]
    head = lake.head(refs.PURGED)
    if known is None or known[0] != head:
        known = head, NONE if head is None else _load(lake, head, trust.keys())
        _read[lake] = known
    return known[1]


def lacking_at(lake: Lake, ref: str, prefix: str) -> pl.DataFrame:
    """The rows that the tables under a prefix lack at a ref, as `LACKING`, in order."""
    known = of_lake(lake)
    parts = [pl.DataFrame(schema=LACKING)]
    for item in lake.objects(ref, prefix) if known.originals else ():
        rows = known.lacking([item.checksum])
        number = pl.lit(refs.round_of(item.path), pl.Int32).alias("round")
        parts.append(rows.select(number, pl.exclude("object")).cast(LACKING))
    return pl.concat(parts).sort("round", "row")


def purged_by(lake: Lake, commit: str) -> Callable[[str], str | None]:
    """From the path of an object at a commit to the take-down that purged some or all of it."""
    known = of_lake(lake)
    takedowns = {item.cleaned.md5: one.takedown for one in known.records for item in one.objects}
    held: dict[str, str] = {}

    def find(path: str) -> str | None:
        if takedowns and not held:
            held.update((item.path, item.checksum) for item in lake.objects(commit))
        return takedowns.get(held.get(path, ""))

    return find


def encoded(record: PurgeRecord, signer: Signer) -> bytes:
    """Sign a record: an in-toto statement about the purged objects, in a DSSE envelope."""
    return signed(record, signer, PREDICATE, [item.purged for item in record.objects])


def signed(
    record: PurgeRecord, signer: Signer, predicate: str, about: Iterable[StoredBytes]
) -> bytes:
    """Sign a record as a predicate of a type, about an object of each place; a DSSE envelope."""
    subjects = [
        {"name": item.places[0], "digest": {"sha256": stored.sha256}}
        for item, stored in zip(record.objects, about, strict=True)
    ]
    content = dsse.statement(subjects, predicate, record.model_dump(mode="json"))
    return dsse.encoded(dsse.sign(content, signer))


def keep(
    lake: Lake,
    record: PurgeRecord,
    envelope: bytes,
    replaced: Callable[[PurgeRecord], bool] = lambda _: False,
) -> None:
    """Store a signed record in a repository that the purge is about, in one step.

    Args:
        lake: the repository.
        record: the record.
        envelope: what it is when it is signed.
        replaced: whether an earlier record of the same take-down goes, such as that of a purge that
            was killed before it did anything.

    Raises:
        ConflictError: another process has stored one at the same time.
    """
    merged_files.begin(lake, refs.PURGED)
    mine = {
        path: one
        for path, one in of_lake(lake).paths.items()
        if one.takedown == record.takedown and replaced(one)
    }
    start = lake.resolve(refs.PURGED).id
    held = {item.path for item in lake.objects(start, f"{record.takedown}/")} - mine.keys()
    numbered = (f"{record.takedown}/{number:03d}{dsse.SUFFIX}" for number in count(1))
    path = next(path for path in numbered if path not in held)
    delete_stale(lake, refs.PURGED)
    message = f"Purge for the take-down {record.takedown}"
    merged_files.merge(
        lake,
        refs.PURGED,
        {path: File(envelope)},
        message,
        {},
        start=start,
        removed=mine.keys() - {path},
    )
    _read.pop(lake, None)


def parsed(envelope: object, trusted: Trusted | None) -> PurgeRecord:
    """Read a signed record; without trusted keys its signature is not verified.

    Raises:
        EnvelopeError: it is no record, or nobody trusted signed it.
    """
    content = dsse.content(envelope, trusted)
    try:
        return strictly(PurgeRecord, content.get("predicate"))
    except ValidationError as error:
        raise EnvelopeError("the statement is no record of a purge; find who wrote it") from error


def _load(lake: Lake, head: str, trusted: Trusted | None) -> Purges:
    records: dict[str, PurgeRecord] = {}
    refused = []
    for item in lake.objects(head):
        if item.path.startswith(refs.CLEANED):
            continue
        try:
            envelope = documents.parse_json(lake.read(head, item.path, dsse.MAX_BYTES))
            records[item.path] = parsed(envelope, trusted)
        except (EnvelopeError, DocumentError) as error:
            refused.append(f"{item.path} on {refs.PURGED}: {error}")
    objects = [(record, item) for record in records.values() for item in record.objects]
    by_cleaned = {item.cleaned.md5: item for _, item in objects}
    direct = {name: item.purged.md5 for name, item in by_cleaned.items()}
    rows = [
        {
            "object": item.cleaned.md5,
            "row": row.row,
            "sample_id": bytes.fromhex(row.sample_id),
            "columns_digest": bytes.fromhex(row.columns_digest) if row.columns_digest else None,
            "takedown": record.takedown,
        }
        for record, item in objects
        for row in _rows(item, by_cleaned)
    ]
    return Purges(
        records,
        {name: _first(name, direct) for name in direct},
        pl.DataFrame(rows, schema=ROWS),
        tuple(refused),
    )


def _first(checksum: str, direct: Mapping[str, str]) -> str:
    """The checksum of the object that was written first, before it was purged once or again."""
    seen = {checksum}
    while (before := direct.get(checksum)) is not None and before not in seen:
        checksum = before
        seen.add(checksum)
    return checksum


def _rows(item: PurgedObject, by_cleaned: Mapping[str, PurgedObject]) -> list[PurgedRow]:
    """The rows that an object lacks, those of earlier purges of it too."""
    rows, seen = [*item.rows], {item.cleaned.md5}
    before = by_cleaned.get(item.purged.md5)
    while before is not None and before.cleaned.md5 not in seen:
        rows += before.rows
        seen.add(before.cleaned.md5)
        before = by_cleaned.get(before.purged.md5)
    return rows
