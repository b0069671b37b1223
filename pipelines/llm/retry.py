"""When to try again: exponentially later, with jitter, or when the service asks for it."""

from __future__ import annotations

import logging
import random
from functools import partial
from typing import Any, Final

from pipelines.llm.faults import Fault
from pipelines.llm.session import Run

_HERD: Final = 0.1
"""Up to this share is added to a time that a service asked to wait: not all come back at once."""

logging.getLogger("stamina").addHandler(logging.NullHandler())  # a retry is no news on a terminal


def patience(work: Run) -> dict[str, Any]:
    """Arguments of `stamina.retry_context` for a run's settings."""
    return {
        "on": partial(_again, work),
        "attempts": work.service.attempts,
        "timeout": None,
        "wait_initial": work.service.wait_s,
        "wait_max": work.service.wait_max_s,
        "wait_jitter": work.service.wait_s,
    }


def _again(work: Run, error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the service said so."""
    if not isinstance(error, Fault) or not error.again or work.stopped is not None:
        return False
    if error.wait is None:
        return True
    wait = error.wait * (1 + _HERD * random.random())  # noqa: S311  no secret
    return min(wait, work.service.wait_max_s)
