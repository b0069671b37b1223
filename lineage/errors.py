"""What can go wrong with lineage, grouped by what the caller would do.

    LineageError
    ├── SchemaError     a frame has not the columns it must have: correct the writer
    ├── IdentityError   a column has no canonical bytes: choose other identity columns
    ├── ParentError     a named parent cannot be one: correct the generator
    ├── MixError        a training mix cannot be composed or read: correct its settings
    ├── SplitError      shares, groups or ids of a split do not fit: correct them
    ├── GuardError      what is recorded is no answer of the guard, or was altered: judge again
    ├── QueryError      an id or occurrence cannot be looked up: correct the question
    ├── CycleError      rounds descend from each other: take back the one that came later
    ├── ImageFileError  a file is no image within the limits: leave it out, or replace it
    │   └── TooManyPixelsError  it would need too much memory: make it smaller
    └── CacheError      the index cannot be written: make room, or choose another directory

A failed sample is never an error: it is a verdict, a decision or a check.
"""

from __future__ import annotations

from typing import ClassVar, Final

MOST: Final = 1000
"""Longest message, in characters."""


class LineageError(Exception):
    """Root of this package's errors; the message is one sentence for a person."""

    kind: ClassVar[str] = "lineage"
    exit_code: ClassVar[int] = 4
    """As `FAILED` of `lake.exit_codes`, which this package does not import."""

    def __init_subclass__(cls, *, kind: str | None = None, exit_code: int | None = None) -> None:
        """Set the kind and the exit code of a class that names them; else it has its parent's."""
        super().__init_subclass__()
        cls.kind = cls.kind if kind is None else kind
        cls.exit_code = cls.exit_code if exit_code is None else exit_code

    def __str__(self) -> str:
        """Return the message; of a long one, its beginning and its end."""
        message = super().__str__()
        return (
            message
            if len(message) <= MOST
            else f"{message[: MOST // 2]} … {message[-(MOST // 2) :]}"
        )


class SchemaError(LineageError, kind="schema"):
    """A frame lacks a column, or a column has the wrong type or a forbidden null."""


class IdentityError(LineageError, kind="identity"):
    """A column's content has no canonical bytes."""


class ImageFileError(LineageError, kind="image_file"):
    """A file is no image within the limits; the message is a predicate of the file."""


class TooManyPixelsError(ImageFileError, kind="too_many_pixels"):
    """An image has more pixels than are ever decompressed."""


class ParentError(LineageError, kind="parent"):
    """A candidate names a parent that does not exist, is not earlier, or weighs too much."""


class MixError(LineageError, kind="mix"):
    """A training mix cannot be composed from these rows and settings, or was altered."""


class SplitError(LineageError, kind="split"):
    """Shares, groups or ids of a hold-out split do not fit."""


class GuardError(LineageError, kind="guard"):
    """The recorded answer of the guard is malformed or was altered."""


class QueryError(LineageError, kind="query", exit_code=2):
    """An id prefix or an occurrence cannot be looked up."""


class CycleError(LineageError, kind="cycle"):
    """Rounds descend from each other, so no order of them puts parents first."""


class CacheError(LineageError, kind="cache"):
    """The index cannot be written or read where it should be."""
