"""The record of a take-down, `_takedowns/NAME/record.json` on main, and its rows beside it.

The merge that takes samples from main adds the record, which says who asked for what and why, what
was found, and by which policy what else went. `rows.parquet` lists every row that went by its
occurrence and id, `entries.parquet` is its part of the deny-list (`deny_list`). No file of a
take-down holds payload. The merge names the digest of the record, the record those of the tables.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import Field

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.tables import decode, encode
from lake.values import Commit
from lineage import guard, schema
from lineage.errors import SchemaError
from lineage.guard import GuardResult
from lineage.schema import UNREADABLE
from pipelines.common import stored_records
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.params.sections import TakedownPolicy

NAME: Final = re.compile(r"[a-z0-9][-a-z0-9]{0,62}\Z")
"""What a take-down can be called."""
FILE: Final = "record.json"
ROWS: Final = "rows.parquet"
MAX_BYTES: Final = 1 << 28
"""Limit of the size of a record or of its rows, in bytes."""
ENTRY: Final = "stemma.takedown"
"""Metadata entry of the merge of a take-down: its name."""
RECORD: Final = "stemma.takedown.record"
"""Metadata entry of that merge: SHA-256 of the record."""
LATEST: Final = 253_402_300_799
"""Unix time of the last second that a date can have."""
Id = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Cause = Literal["named", "direct"]
ROW: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "cause": pl.String(),
        "sample": pl.Boolean(),
    }
)
"""A row that was taken down: because its content was named, or because it was made of such a row.
`sample` is whether main held it as a sample; what was not accepted is in older commits alone."""


class TouchedRound(StrictModel):
    """A round that rows were taken from, and how its objects changed."""

    dataset: str
    round: int = Field(ge=0, lt=1 << 31)
    named: int
    """Samples that were asked for."""
    direct: int
    """Samples that went because they were made from these."""
    changed: Mapping[str, tuple[str, str]] = {}
    """Checksums (MD5) of each object that was written again, before and after, by path."""
    removed: Mapping[str, str] = {}
    """Checksums (MD5) of objects that were removed whole, by path: pages that show rows."""
    payload: str | None = None
    """Of round 0: digest of the payload that is left (`lineage.payload.digest`)."""


class JudgedMain(StrictModel):
    """What the guard said about a data set of the new main, or why it was not asked."""

    answer: Mapping[str, Any] | None = None
    """Its answer (`lineage.guard.GuardResult.to_dict`), by the settings of the last round: `judged`
    is the main before, and `bound` the digests of the rows that it is judged without (`rows`) and
    of the entries of the deny-list (`entries`)."""
    why: str = ""
    """Why there is none, as the end of a sentence."""

    def result(self) -> GuardResult | None:
        """Its answer; None if it was not asked.

        Raises:
            GuardError: what is recorded is no answer, or was altered.
        """
        return None if self.answer is None else guard.read(json.loads(json.dumps(self.answer)))

    @property
    def blocking(self) -> tuple[str, ...]:
        """Names of the checks that block, overridden or not."""
        return tuple((self.answer or {}).get("blocking", ()))

    @property
    def blocked(self) -> bool:
        """Whether checks block, and nobody gave a reason to go on."""
        return bool(self.blocking) and not (self.answer or {}).get("override")


class HeldOutRows(StrictModel):
    """Rows of a hold-out that were asked for."""

    dataset: str
    split: str
    rows: int


class TakedownRecord(StrictModel):
    """What was taken down, by whom, when, why, and what became of everything that came from it."""

    version: Literal["stemma-takedown/1"] = "stemma-takedown/1"
    name: str
    who: str
    """The committer, as the lake names them."""
    created: int = Field(ge=0, le=LATEST)
    """Time in Unix seconds."""
    reason: str
    ids: tuple[Id, ...]
    """Ids of the content that was asked for and found, as 64 hex digits, sorted."""
    main: str
    """Id of main's head before it."""
    policies: Mapping[str, TakedownPolicy]
    """By data set that rows were taken from, or whose rows descend from them."""
    rounds: tuple[TouchedRound, ...]
    counts: Mapping[str, int]
    """What was found, as `plan` counts it."""
    tags: Mapping[str, str] = {}
    """Tags that hold rows that were taken, with their commits: they never move."""
    kept: Mapping[str, tuple[int, ...]] = {}
    """By data set, the rounds of main that stay as they are, whatever they were made from: their
    keys answer for what they would be made of now."""
    remade: Mapping[str, int] = {}
    """By data set, the first round that is to be made again."""
    holdout: tuple[HeldOutRows, ...] = ()
    """Rows that were asked for and are held out."""
    rows_digest: str
    """SHA-256 of `rows.parquet`."""
    entries_digest: str
    """SHA-256 of `entries.parquet`."""
    guard: Mapping[str, JudgedMain] = {}
    """What the guard said about the new main, by data set that samples were taken from."""


@dataclass(frozen=True, slots=True)
class Takedown:
    """A take-down that main holds, and the merge that brought it."""

    record: TakedownRecord
    merge: Commit

    @property
    def after(self) -> str:
        """Id of main's head after it."""
        return self.merge.id


def encoded(record: TakedownRecord) -> bytes:
    """The bytes of a record."""
    return record.model_dump_json(indent=2).encode() + b"\n"


def sha256(data: bytes) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def read(lake: Lake, ref: str, name: str) -> TakedownRecord:
    """Read the record of a take-down at a ref.

    Raises:
        DataError: there is none, or it was altered.
    """
    path = refs.takedown(name, FILE)
    try:
        return parse(lake.read(ref, path, MAX_BYTES), name)
    except NotFoundError as error:
        raise DataError(f"{ref} holds no take-down called {name}") from error
    except (DataError, TooLargeError) as error:
        raise DataError(f"{path} at {ref}: {error}; see `stemma audit --history main`") from error


def parse(data: bytes, name: str) -> TakedownRecord:
    """Parse the record of the take-down of a name.

    Raises:
        DataError: it is none, or it was altered.
    """
    return stored_records.parse(
        TakedownRecord,
        data,
        lambda record: data == encoded(record) and record.name == name,
        unreadable="the file is no record of a take-down",
        altered="the record of a take-down was altered",
    )


def names(lake: Lake, ref: str = refs.MAIN) -> list[str]:
    """The sorted names of the take-downs that a ref holds."""
    try:
        paths = [item.path for item in lake.objects(ref, f"{refs.TAKEDOWNS}/")]
    except NotFoundError:
        return []
    records = (path.split("/") for path in paths if path.endswith(f"/{FILE}"))
    return sorted(parts[1] for parts in records)


def all_of(lake: Lake, ref: str = refs.MAIN) -> list[TakedownRecord]:
    """The records of all take-downs that a ref holds, the oldest first.

    Raises:
        DataError: one cannot be read.
    """
    found = [read(lake, ref, name) for name in names(lake, ref)]
    return sorted(found, key=lambda record: (record.created, record.name))


def merged(lake: Lake, ref: str = refs.MAIN) -> Iterator[Takedown]:
    """The take-downs of a ref with the merges that brought them, the newest first.

    Raises:
        DataError: a record cannot be read.
    """
    left = set(names(lake, ref))
    for commit in lake.log(ref, first_parent=True) if left else ():
        name = commit.metadata.get(ENTRY)
        if name in left:
            left.discard(name)
            yield Takedown(read(lake, commit.id, name), commit)


def encoded_rows(rows: pl.DataFrame) -> bytes:
    """The bytes of the table of the rows that were taken."""
    ordered = rows.select(ROW.names()).sort("dataset", "round", "row")
    return encode(schema.conform(ordered, ROW, required=tuple(ROW)))


def rows(lake: Lake, ref: str, name: str) -> pl.DataFrame:
    """Read the rows that a take-down took, as `ROW`.

    Raises:
        DataError: they are missing, or cannot be read.
    """
    path = refs.takedown(name, ROWS)
    try:
        return parsed_rows(lake.read(ref, path, MAX_BYTES))
    except (NotFoundError, TooLargeError, CorruptError, SchemaError, *UNREADABLE) as error:
        raise DataError(
            f"{path} at {ref} does not list rows that were taken down; see `stemma audit "
            "--history main`"
        ) from error


def parsed_rows(data: bytes) -> pl.DataFrame:
    """Parse the table of the rows that were taken, as `ROW`.

    Raises:
        CorruptError: it is no table.
        SchemaError: it has other columns.
    """
    return schema.conform(decode([data]).collect(), ROW, required=tuple(ROW))
