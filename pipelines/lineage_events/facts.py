"""What an event says of a stage's run, as plain values: data sets with versions, and what came out.

No payload is among them: names, types, counts, digests and verdicts alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

IDENTITY = "IDENTITY"
"""A column that was copied as it was."""
TRANSFORMATION = "TRANSFORMATION"
"""A column that was converted."""


@dataclass(frozen=True, slots=True)
class Place:
    """A data set as other tools name it."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class FromColumn:
    """The column that a column comes from, and what was done with it."""

    place: Place
    column: str
    subtype: str


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is known of a data set that a stage read or wrote."""

    place: Place
    version: str | None = None
    source: str | None = None
    """Address of where it is kept."""
    columns: tuple[tuple[str, str], ...] = ()
    """Names and types."""
    tags: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    rows: int | None = None
    size: int | None = None
    """Bytes of its files."""
    files: int | None = None
    origins: Mapping[str, FromColumn] = field(default_factory=dict)
    """Where columns come from, by name, as far as it is known."""


@dataclass(frozen=True, slots=True)
class AssertionFacts:
    """Outcome of an expectation over a data set."""

    name: str
    type: str
    success: bool
    severity: str
    column: str | None
    description: str
    expected: str
    counts: Mapping[str, int]
    """Number of rows by verdict."""


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """Outcome of a check of the guard."""

    name: str
    status: Literal["pass", "fail", "skip"]
    severity: Literal["error", "warn"] | None
    expected: str
    actual: str | None


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What a stage read, wrote and found."""

    inputs: tuple[DatasetFacts, ...] = ()
    outputs: tuple[DatasetFacts, ...] = ()
    assertions: tuple[AssertionFacts, ...] = ()
    """About the first input."""
    checks: tuple[CheckFacts, ...] = ()
