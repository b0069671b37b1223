"""The errors of the command line.

ReviewError
├── UsageError    the arguments do not fit what the lake holds: correct them
└── Findings      a check found something, which is printed: look at it
"""

from __future__ import annotations

from typing import ClassVar, Final

from expectations.errors import ExpectationsError
from lake.errors import LakeError
from lake.visible import shorten
from lineage.errors import LineageError
from pipelines.common.errors import PipelineError


class ReviewError(Exception):
    """Root of this package's errors; the message is one sentence for the user."""

    kind: ClassVar[str] = "review"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, in which long quotes of foreign text are cut."""
        return shorten(super().__str__())


class UsageError(ReviewError):
    """The arguments do not fit what the lake holds."""

    kind = "usage"
    exit_code = 2


class Findings(ReviewError):  # noqa: N818  a finding is no error of the program
    """A check found something that should not be, which is already printed."""

    kind = "findings"


FAILURES: Final = (ReviewError, PipelineError, ExpectationsError, LineageError, LakeError)
"""Errors whose message is meant for the user."""
