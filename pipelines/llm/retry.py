"""When another attempt follows: exponentially later, with jitter, or when the service asks."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterable
from functools import partial
from typing import TYPE_CHECKING, Final

from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.session import RequestSession

if TYPE_CHECKING:
    import stamina

SPREAD: Final = 0.1
"""Up to this share is added to a time that a service asked to wait, so that not all requests come
back at the same time."""

logging.getLogger("stamina").addHandler(logging.NullHandler())  # a retry is no news on a terminal


def retry(session: RequestSession) -> AsyncIterable[stamina.Attempt]:
    """Iterate over the attempts that a session's settings allow, with the waits between them.

    The error of the last attempt is raised. Each attempt is a context that takes the error of its
    block:

        async for attempt in retry(session):
            with attempt:
                return await send()
    """
    import stamina  # noqa: PLC0415  with what it needs, slow to import

    return stamina.retry_context(
        on=partial(_backoff, session),
        attempts=session.service.attempts,
        timeout=None,
        wait_initial=session.service.wait_s,
        wait_max=session.service.wait_max_s,
        wait_jitter=session.service.wait_s,
    )


def _backoff(session: RequestSession, error: Exception) -> bool | float:
    """Whether another attempt follows, and after how many seconds where the service said so."""
    if not isinstance(error, AttemptError) or not error.retryable or session.stopped is not None:
        return False
    if error.retry_after is None:
        return True
    seconds = error.retry_after * (1 + SPREAD * random.random())  # noqa: S311  no secret
    seconds = min(seconds, session.service.wait_max_s)
    session.waits(seconds, error)
    return seconds
