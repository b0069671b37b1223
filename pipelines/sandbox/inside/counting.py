"""What was judged, and what failed though the tests went on."""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from pipelines.sandbox.inside import instrument, local
from pipelines.sandbox.inside.errors import is_failure

OF_TESTS: Final = ("/unittest/", "/_pytest/", "_sitebuiltins")
"""Parts of the paths of modules whose functions raise for the tests that call them."""


@dataclass(slots=True)
class Counted:
    """What was judged."""

    assertions: int = 0
    tests: int = 0
    failed: int = 0
    """Assertions that failed, and errors in threads, which the tests may have passed over; what
    they expect to fail is not among them."""
    entered: set[str] = field(default_factory=set)

    def held(self) -> None:
        """An assertion held."""
        self.assertions += 1

    def holds(self, value: object) -> bool:
        """Whether an assertion holds."""
        found = bool(value)
        self.failed += not found
        return found

    def caught(self) -> None:
        """The tests handle an exception, which may be a failed assertion of theirs."""
        error = sys.exc_info()[1]
        self.failed += is_failure(error) and _is_raised_by_tests(error)

    def watch(self) -> None:
        """Hear of errors that end threads, and of failed assertions that `suppress` swallows."""
        threading.excepthook = self.in_thread
        suppress: Any = contextlib.suppress
        own = suppress.__exit__

        def left(block: Any, kind: Any, error: BaseException | None, at: Any) -> Any:
            found = own(block, kind, error, at)
            if found and isinstance(error, AssertionError):
                self.caught()
            return found

        suppress.__exit__ = left

    def in_thread(self, ended: Any) -> None:
        """A thread has ended by an error, which is lost; it counts if it came through the tests."""
        self.failed += ended.exc_type is not SystemExit and instrument.FILE in _places(ended[2])


def ends_well(error: SystemExit) -> bool:
    """Whether it is the tests that end themselves, and say that all went well."""
    is_own = local.FILE not in _places(error.__traceback__)
    return is_own and _is_raised_by_tests(error) and not error.code


def _is_raised_by_tests(error: BaseException | None) -> bool:
    """Whether the tests raised it, themselves or by a function of unittest, pytest or `exit`."""
    place = "" if error is None else (_places(error.__traceback__) or [""])[-1]
    return place == instrument.FILE or any(name in place for name in OF_TESTS)


def _places(at: TracebackType | None) -> list[str]:
    """The files that an exception came through, to the one that raised it."""
    return [frame.f_code.co_filename for frame, _ in traceback.walk_tb(at)]
