"""A record of a review: what one reviewer decided about samples of a round at one time, and why.

A record names its samples by row and id, so it is about these very candidates: of a round that is
made again with others, it says nothing. Records are never changed. A later one about the same
sample takes the place of an earlier one, and `withdraw` leaves the sample to the suite again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lake import refs
from lineage.review_decisions import EDITS
from pipelines.common import stored_records
from pipelines.common.settings import StrictModel

MAX_BYTES: Final = 1 << 26
"""Limit of the size of a record, in bytes."""
MOST_ROWS: Final = 100_000
"""Most samples of one record."""
LONGEST: Final = 2000
"""Limit of the length of a reason, in characters."""
LONGEST_LABEL: Final = 500
LONGEST_TEXT: Final = 1_000_000
"""Limit of the length of a corrected text, in characters."""
LONGEST_NAME: Final = 100
Action = Literal["accept", "reject", "relabel", "correct", "withdraw"]


def _plain(text: str) -> str:
    """Refuse what would not be one line of text: line breaks, and characters that do not print."""
    if not text.strip() or text != text.strip() or not text.isprintable():
        raise ValueError("is no line of text without blanks around it")
    return text


def plain_text(text: str) -> str:
    """Refuse a text that is empty, or has characters that do not print; it may have lines."""
    lines = text.replace("\t", " ").split("\n")
    if not text.strip() or text != text.strip() or not all(line.isprintable() for line in lines):
        raise ValueError("is no text without blanks around it")
    return text


Line = Annotated[str, AfterValidator(_plain)]


class ReviewedRow(StrictModel):
    """A sample that a record is about."""

    row: int = Field(ge=0)
    sample_id: str = Field(pattern=r"^[0-9a-f]{64}$")


class ReviewRecord(StrictModel):
    """What a reviewer decided about samples of a round."""

    version: Literal["stemma-sample-review/1"] = "stemma-sample-review/1"
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    round: int = Field(ge=1)
    line: str = Field(pattern=r"^\w[-\w]*$")
    action: Action
    rows: tuple[ReviewedRow, ...] = Field(min_length=1, max_length=MOST_ROWS)
    reason: Annotated[str, AfterValidator(plain_text)] = Field(max_length=LONGEST)
    reviewer: Line | None = Field(None, max_length=LONGEST_NAME)
    """Name of the reviewer where several decide with one key pair of the lake; None: the committer
    of the record."""
    created: int
    """Time of the decision, in Unix seconds."""
    seen: str
    """Id of the commit that the reviewer looked at."""
    where: str | None = Field(None, max_length=LONGEST)
    """The condition by which the samples were selected; None: they were named one by one."""
    label: Line | None = Field(None, max_length=LONGEST_LABEL)
    """The new label as text: of relabel, and of correct where a relabelled sample is corrected."""
    texts: Mapping[str, Annotated[str, Field(max_length=LONGEST_TEXT)]] = {}
    """The new text by column: of correct, and of relabel where a corrected sample is relabelled."""

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        edits = self.action in EDITS
        if (self.label is not None and not edits) or (
            self.label is None and self.action == "relabel"
        ):
            raise ValueError("a label belongs to relabel or correct, and relabel needs one")
        if (self.texts and not edits) or (not self.texts and self.action == "correct"):
            raise ValueError("texts belong to correct or relabel, and correct needs one")
        if self.texts and len(self.rows) != 1:
            raise ValueError("a text is corrected in one sample at a time")
        if len({each.row for each in self.rows}) != len(self.rows):
            raise ValueError("a sample is named more than once")
        return self

    @property
    def branch(self) -> str:
        """Branch of the round that it is about."""
        return refs.branch_name(self.dataset, self.round, self.line)


def encoded(record: ReviewRecord) -> bytes:
    """The bytes of a record."""
    return record.model_dump_json(indent=1, exclude_defaults=True).encode() + b"\n"


def digest(record: ReviewRecord) -> str:
    """SHA-256 of the bytes of a record, as 64 hex digits."""
    return hashlib.sha256(encoded(record)).hexdigest()


def place(record: ReviewRecord) -> str:
    """Path of a record: `digits-r003/<beginning of its SHA-256>.json`."""
    return f"{record.branch}/{digest(record)[:16]}.json"


def parse(data: bytes, path: str) -> ReviewRecord:
    """Parse a record.

    Raises:
        DataError: it is none, or its path is not that of its content.
    """
    where = f"on {refs.SAMPLE_REVIEWS}"
    return stored_records.parse_named(
        ReviewRecord, data, _written, path, where=where, what="a review"
    )


def _written(record: ReviewRecord) -> tuple[str, bytes]:
    return place(record), encoded(record)
