"""Why one attempt at a request gave no answer; used inside this package only.

The error ends an attempt, not yet its request: most are followed by another attempt.
"""

from __future__ import annotations

from typing import Final

from lake.visible import shorten
from pipelines.llm.settings import API_KEY, BASE_URL

FATAL: Final = frozenset({401, 403, 404})
"""Statuses after which no request will succeed: the key, the rights or the model are wrong."""
RETRYABLE: Final = frozenset({408, 409, 425, 429})
"""Statuses after which another attempt may succeed, as after every 5xx."""
FINAL: Final = frozenset({*FATAL, 400, 413, 422})
"""Codes in the body of a 200 after which there is no other attempt."""
SERVER_ERROR: Final = 500
_SUSPECT: Final = {
    401: API_KEY,
    403: f"the rights of {API_KEY}, or the model",
    404: f"the model, or {BASE_URL}",
}


class AttemptError(Exception):
    """An attempt gave no answer.

    Attributes:
        reason: One sentence, already without the key.
        retryable: Whether another attempt may succeed.
        fatal: Whether no request at all can succeed.
        retry_after: Seconds that the service asked to wait.
        other_seed: Whether the next attempt needs another seed to get another answer.
        uncertain: Whether the service may have worked, and billed, all the same.
        unreachable: Whether nothing was sent, because nobody listens.
        status: HTTP status, where the service gave one.
        tokens: Tokens in and out, where they were counted.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool = True,
        fatal: bool = False,
        retry_after: float | None = None,
        other_seed: bool = False,
        uncertain: bool = False,
        unreachable: bool = False,
    ) -> None:
        self.reason = shorten(reason)
        super().__init__(self.reason)
        self.retryable = retryable
        self.fatal = fatal
        self.retry_after = retry_after
        self.other_seed = other_seed
        self.uncertain = uncertain
        self.unreachable = unreachable
        self.status: int | None = None
        self.tokens = (0, 0)

    def billed(self, tokens_in: int, tokens_out: int) -> AttemptError:
        """Return the error with the tokens that were counted for the attempt."""
        self.tokens = (tokens_in, tokens_out)
        return self


class StoppedError(Exception):
    """The session has been stopped; no further request is sent."""


def refused(
    base_url: str, status: int, message: str, retry_after: float | None = None
) -> AttemptError:
    """Return the error that an HTTP status other than 200 means.

    Args:
        base_url: The service's address.
        status: The HTTP status.
        message: The service's own words, without the key.
        retry_after: Seconds that the service asked to wait.
    """
    reason = f"{base_url} answered {status}: {message}".rstrip(": ")
    fatal = status in FATAL
    if fatal:
        reason = f"{reason}; correct {_SUSPECT[status]}"
    retryable = status in RETRYABLE or status >= SERVER_ERROR
    error = AttemptError(reason, retryable=retryable, fatal=fatal, retry_after=retry_after)
    error.status = status
    return error
