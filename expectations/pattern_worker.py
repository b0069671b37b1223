"""Matches texts with patterns or a JSON schema in a process of its own, each within a time-out.

`expectations.patterns` starts it with two lines of JSON on standard input: the request, and the
texts. It answers with a line per pattern, a character per text. `re` checks for signals while it
matches, so a timer ends a match that takes too long; code that does not check ends with the
process, which its parent kills. Setting a timer takes longer than most matches, so texts share a
timer where they can.

Nothing of this project is imported, and for patterns nothing but the standard library.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

MANY: Final = 256
"""Number of texts that share a timer."""
SHARE: Final = 10
"""Shared time of these texts, as a multiple of the shorter time-out of one text."""
Result = TypeVar("Result")
NO, YES, LATE, SHORT = "0123"
"""What is said of a text: it does not match, it does, or that did not end in the time for a text,
or in the shorter time that texts get after all of them together have taken long."""


class EndedError(Exception):
    """The time for a match has run out."""


def main() -> None:
    """Read the request, match, and answer."""
    request, texts = (json.loads(line) for line in sys.stdin.buffer)
    signal.signal(signal.SIGALRM, _ended)
    deadline = time.monotonic() + request["all_seconds"]
    for matches in _matchers(request):
        answers = (
            _some(matches, texts[start : start + MANY], request, deadline)
            for start in _starts(texts)
        )
        sys.stdout.write("".join(answers) + "\n")


def _starts(texts: list[str]) -> range:
    return range(0, len(texts), MANY)


def _some(
    matches: Callable[[str], bool], texts: list[str], request: dict[str, Any], deadline: float
) -> str:
    """Match some texts: all of them under one timer, or else one after the other."""
    matched = _timed(lambda: [matches(text) for text in texts], request["short_seconds"] * SHARE)
    if matched is not None:
        return "".join([YES if match else NO for match in matched])
    answers = []
    for text in texts:
        slow = time.monotonic() > deadline
        one = _timed(partial(matches, text), request["short_seconds" if slow else "seconds"])
        answers.append((SHORT if slow else LATE) if one is None else YES if one else NO)
    return "".join(answers)


def _matchers(request: dict[str, Any]) -> list[Callable[[str], bool]]:
    if "schema" in request:
        return [_of_schema(request["schema"])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of patterns that a later Python reads in another way
        return [_of_pattern(re.compile(pattern)) for pattern in request["patterns"]]


def _of_pattern(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


def _of_schema(schema: Any) -> Callable[[str], bool]:  # noqa: ANN401  JSON
    """Build a check whether a text is JSON that fits a schema without outside references."""
    from jsonschema.validators import validator_for  # noqa: PLC0415  patterns need no library
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    validator = validator_for(schema)(schema, registry=Registry())

    def fits(text: str) -> bool:
        try:
            return bool(validator.is_valid(json.loads(text)))
        except (ValueError, RecursionError):  # no JSON, or nested too deeply
            return False
        except Unresolvable as error:
            raise SystemExit(f"the schema refers to {error.ref}, which is not in it") from error

    return fits


def _timed(action: Callable[[], Result], seconds: float) -> Result | None:
    """Run an action; return None if it does not end in time."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except EndedError:
        return None


def _ended(*_: object) -> NoReturn:
    raise EndedError


if __name__ == "__main__":
    main()
