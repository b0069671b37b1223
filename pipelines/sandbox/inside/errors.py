"""What ends a candidate, other than a test that fails.

Unjudged and Broken derive from BaseException, so that tests which catch Exception do not swallow
them; who raises one also leaves it where the result is made (`remote.Program.ended`).
"""

from __future__ import annotations

from typing import Final

CAUGHT: Final = "the program caught a failed assertion of the tests"


class Unjudged(BaseException):
    """The tests do something that cannot be judged from another process, or judge nothing."""


class Broken(BaseException):
    """The program's process ended, or answers what the protocol does not have."""


class CrossingError(Exception):
    """A value cannot be sent to the other process."""


class MalformedError(Exception):
    """A message is not what the protocol says."""


def is_failure(error: object) -> bool:
    """Whether an exception of the tests says that a test has failed."""
    return isinstance(error, AssertionError) or type(error).__module__ == "_pytest.outcomes"
