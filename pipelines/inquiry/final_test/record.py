"""The record of one opening of the test split: what was measured, of what, by whom and when.

It lies on the branch `stemma-tests` before the figures are shown, so no figure of the test split
is seen that is not counted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from lake import refs
from lake.client import Lake
from pipelines.common import stored_records
from pipelines.common.settings import StrictModel
from pipelines.rounds import record_branch
from pipelines.rounds.record_branch import Kept, RecordBranch, Records

LATEST: Final = 253_402_300_799
"""Unix time of the last second that a date can have."""


class TestedFigure(StrictModel):
    """A figure with its 95 % interval; null where it could not be computed."""

    __test__ = False
    value: float | None
    low: float | None
    high: float | None


class Opening(StrictModel):
    """One opening of the test split of a data set."""

    version: Literal["stemma-test/1"] = "stemma-test/1"
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    ref: str = Field(max_length=500)
    """The tag, branch or commit as it was given."""
    commit: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The version that was tested."""
    holdout: str = Field(max_length=500)
    """Input key of the ingest that split the test rows off."""
    rows: int = Field(ge=1)
    """Rows of the test split."""
    in_training: int = Field(ge=0)
    """Rows of the training mix whose content is that of a test row."""
    task: str = Field(max_length=500)
    """Name and version of the downstream task."""
    figure: str = Field(max_length=500)
    """What the task is judged by, such as accuracy."""
    figures: Mapping[str, TestedFigure]
    """By what was trained on: `mix`, `real_only`; and `difference`, the first less the second."""
    created: int = Field(ge=0, le=LATEST)
    """Time in Unix seconds."""
    nonce: str = Field(pattern=r"^[0-9a-f]{16}$")
    """Random, so that two openings at once have two records."""


def nonce() -> str:
    """Draw what tells two equal openings apart."""
    return secrets.token_hex(8)


def encoded(opening: Opening) -> bytes:
    """The bytes of a record."""
    return opening.model_dump_json(indent=1).encode() + b"\n"


def place(opening: Opening) -> str:
    """Path of a record: `digits/<beginning of its SHA-256>.json`."""
    return f"{opening.dataset}/{hashlib.sha256(encoded(opening)).hexdigest()[:16]}.json"


def parse(data: bytes, path: str) -> Opening:
    """Parse a record.

    Raises:
        DataError: it is none, or its path is not that of its content.
    """
    where = f"on {refs.TESTS}"
    return stored_records.parse_named(Opening, data, _written, path, where=where, what="an opening")


def _written(opening: Opening) -> tuple[str, bytes]:
    return place(opening), encoded(opening)


BRANCH: Final = RecordBranch(
    refs.TESTS, "stemma.test.record", "stemma.test.path", max_bytes=1 << 20, parse=parse
)


def keep(lake: Lake, opening: Opening) -> None:
    """Record an opening.

    Raises:
        ConflictError: others wrote records in every attempt.
        SigningError: there is no key to sign with.
    """
    message = f"Open the test split of {opening.dataset} for {opening.ref}"
    record_branch.keep(lake, BRANCH, place(opening), encoded(opening), message)


def of_lake(lake: Lake) -> Records[Opening]:
    """Read the openings of a lake; whoever merges a record again opens nothing."""
    return record_branch.gathered(record_branch.read(lake, BRANCH))


def of_split(found: Records[Opening], dataset: str, holdout: str) -> list[Kept[Opening]]:
    """The openings of one test split, the oldest first."""
    split = (dataset, holdout)
    return [kept for kept in found.kept if (kept.record.dataset, kept.record.holdout) == split]
