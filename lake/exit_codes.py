"""Exit codes of `stemma`, its stages and its servers: what a script can tell apart.

A finding is no failure: the command did what it was asked for, and found something. So the two have
codes of their own, as those of `grep` and `diff` (docs/decisions/0044).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    STOPPED = 3
    FAILED = 4
    FAULT = 70
    TRY_AGAIN = 75
    INTERRUPTED = 130


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "done, and nothing was found that should not be",
    ExitCode.FINDING: "done, and something was found that should not be; it is printed",
    ExitCode.USAGE: "the command, its arguments or the settings are wrong: correct them",
    ExitCode.STOPPED: (
        "stopped short: the guard or a reviewer blocks, a person is awaited, a budget is spent, or "
        "something could not be read"
    ),
    ExitCode.FAILED: "it could not be done; the sentence on standard error says why",
    ExitCode.FAULT: "a fault of the program, with its traceback (sysexits: EX_SOFTWARE)",
    ExitCode.TRY_AGAIN: "another process is at work: try again later (sysexits: EX_TEMPFAIL)",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}
"""What each says, for help and documents."""
