"""The errors of the command line.

ReviewError
├── UsageError    the arguments do not fit what the lake holds: correct them
├── QueryRefusedError   DuckDB refuses a query, or it takes too much: change it
├── AtWorkError   another command is at work in the project: wait for it
└── Findings      a check found something, which is printed
"""

from __future__ import annotations

from typing import Final

from expectations.errors import ExpectationsError
from lake.errors import LakeError, UserError
from lake.exit_codes import ExitCode
from lineage.errors import LineageError
from pipelines.common.errors import PipelineError


class ReviewError(UserError, kind="review"):
    """Root of this package's errors; the message is one sentence for a person."""


class UsageError(ReviewError, kind="usage", exit_code=ExitCode.USAGE):
    """The arguments do not fit what the lake holds."""


class QueryRefusedError(ReviewError, kind="query-refused", exit_code=ExitCode.USAGE):
    """DuckDB refuses a query, or it took more than it may."""


class AtWorkError(ReviewError, kind="at-work", exit_code=ExitCode.TRY_AGAIN):
    """Another command is at work in the project."""


class Findings(ReviewError, kind="findings", exit_code=ExitCode.FINDING):  # noqa: N818  a finding is no error of the program
    """A check found something that should not be, which is already printed."""


class NotAllReadError(ReviewError, kind="not-all-read", exit_code=ExitCode.STOPPED):
    """Nothing was found, and something could not be read."""


FAILURES: Final = (ReviewError, PipelineError, ExpectationsError, LineageError, LakeError)
"""Errors whose message is meant for the user."""
