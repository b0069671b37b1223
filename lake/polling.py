"""Try again at even intervals, within a bound, without a word in any log.

`stamina` decides when; it is imported on first use, since a caller that finds a server running
needs none of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")
ErrorFilter = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]
"""Errors after which a call is made again: by their types, or by a function that is asked."""


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record of `stamina` is about anything else than waiting here."""
    return record.__dict__.get("stamina.callable") != __name__


logging.getLogger("stamina").addFilter(_is_news)


def repeat(
    call: Callable[[], Value],
    *,
    on: ErrorFilter,
    interval: float,
    timeout: float | None = None,
    attempts: int | None = None,
) -> Value:
    """Make a call until it returns, and return its value.

    Args:
        call: What to do.
        on: Errors after which it is done again; every other one is raised at once.
        interval: Seconds between two calls.
        timeout: Seconds after which no further call begins; None: no bound.
        attempts: The greatest number of calls; None: no bound.

    Raises:
        Exception: The error of the last call.
    """
    import stamina  # noqa: PLC0415  slow to import

    attempting = stamina.retry_context(
        on=on,
        attempts=attempts,
        timeout=timeout,
        wait_initial=interval,
        wait_max=interval,
        wait_jitter=0,
    ).with_name(__name__, (), {})
    for attempt in attempting:
        with attempt:
            return call()
    raise AssertionError("retrying ends with a value or an error")


class _NotYetError(Exception):
    """A condition does not hold yet."""


def until(
    condition: Callable[[], object], *, interval: float, timeout: float | None = None
) -> bool:
    """Wait until a condition holds; tell whether it did.

    Args:
        condition: Is asked at once, and then again and again; any true value will do.
        interval: Seconds between two questions.
        timeout: Seconds after which it is not asked again; None: no bound.
    """
    if condition():
        return True
    if timeout is not None and timeout <= 0:
        return False

    def check() -> None:
        if not condition():
            raise _NotYetError

    try:
        repeat(check, on=_NotYetError, interval=interval, timeout=timeout)
    except _NotYetError:
        return False
    return True
