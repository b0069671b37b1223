"""What can go wrong before a sample is judged, grouped by what the caller would do.

ExpectationsError
├── SuiteError    a suite cannot be read, or asks for what does not exist: correct the file
├── BatchError    the candidates cannot be judged as they are: look at the stage that made them
├── CannotJudge   one expectation has too little to judge by: its verdict is `unknown`
└── CalibrationError  a verifier cannot be calibrated from these rows: correct the sheet

A sample that fails, or that cannot be judged, is never an error: it is a verdict.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lake.errors import UserError
from lake.exit_codes import ExitCode


class ExpectationsError(UserError, kind="expectations"):
    """Root of this package's errors; the message is one sentence for a person."""


class SuiteError(ExpectationsError, kind="suite", exit_code=ExitCode.USAGE):
    """A suite file is missing or malformed, or names an unknown type, argument or column."""


class BatchError(ExpectationsError, kind="batch"):
    """A batch has no candidate or a duplicate one, or a whole score has no value."""


class CalibrationError(ExpectationsError, kind="calibration"):
    """Audited rows are too few, contradict each other, or are not those that were asked about."""


class CannotJudge(ExpectationsError, kind="unjudged"):  # noqa: N818  named by what happened
    """An expectation has too few rows or rows of the wrong type; the message is the reason."""


def unknown(what: str, name: str, candidates: Iterable[str]) -> str:
    """Write that a name is unknown, and which known one is nearest."""
    near = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.0)
    return f"{what} {name!r} is unknown; the nearest known is {near[0]!r}"
