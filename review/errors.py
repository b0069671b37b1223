"""What the command line says when something is wrong.

ReviewError
├── UsageError    the arguments do not fit: correct them
└── Findings      a check found something: it is printed, look at it
"""

from __future__ import annotations

from typing import ClassVar, Final

from expectations.errors import ExpectationsError
from lake.errors import LakeError
from lake.visible import shorten
from lineage.errors import LineageError
from pipelines.common.errors import PipelineError


class ReviewError(Exception):
    """Root of this package's errors; the message is one sentence for a person."""

    kind: ClassVar[str] = "review"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, which quotes no more of foreign texts than a person reads."""
        return shorten(super().__str__())


class UsageError(ReviewError):
    """The arguments do not fit what the lake holds."""

    kind = "usage"
    exit_code = 2


class Findings(ReviewError):  # noqa: N818  what a check found is no error of the program
    """A check found what should not be; what it found is already printed."""

    kind = "findings"


FAILURES: Final = (ReviewError, PipelineError, ExpectationsError, LineageError, LakeError)
"""Errors whose message is meant for the person at the keyboard."""
