"""Why one attempt at a request gave no answer; used inside this package only.

The error ends an attempt, not yet its request: most are followed by another attempt.
"""

from __future__ import annotations

from typing import Final

from lake.visible import shorten
from pipelines.llm.settings import BASE_URL, Access
from pipelines.llm.values import NOTHING, Usage

FATAL: Final = frozenset({401, 402, 403, 404})
"""Statuses after which no request will succeed: key, credit, rights or model are wrong."""
RETRYABLE: Final = frozenset({408, 409, 425, 429})
"""Statuses after which another attempt may succeed, as after every 5xx."""
FINAL: Final = frozenset({*FATAL, 400, 413, 422})
"""Codes in the body of a 200 after which there is no other attempt."""
WRONG: Final = frozenset({400, 422})
"""Statuses of a request that the service does not take."""
UNPAID: Final = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_funds"}
)
"""Codes of a service whose account has no credit left: no wait changes that."""
HINTS: Final = {
    "max_completion_tokens": "set service.limit_as to max_completion_tokens",
    "max_tokens": "set service.limit_as to the field that it takes, or lower service.max_tokens",
    "maxLength": "set max_chars to null",
    "response_format": "set service.schema_as to json_schema or none",
    "json_schema": "set service.schema_as to response_format or none",
    "temperature": "set service.temperature to null",
    "top_p": "set service.top_p to null",
}
"""The setting that a word of such a service is about, the most telling word first."""
SERVER_ERROR: Final = 500
_SUSPECT: Final = {
    401: "{variable}",
    402: "the credit of the account of {variable}",
    403: "the rights of {variable}, or the model",
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
        usage: Tokens of an answer that was billed.
        text: What was answered and is no value under the request's schema.
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
        self.usage = NOTHING
        self.text = ""

    def billed(self, usage: Usage) -> AttemptError:
        """Return the error with the tokens that the service says it took, or does not say."""
        self.usage = usage
        return self


class StoppedError(Exception):
    """The session has been stopped; no further request is sent."""


def refused(
    access: Access, status: int, message: str, retry_after: float | None = None, code: str = ""
) -> AttemptError:
    """Return the error that an HTTP status other than 200 means.

    Args:
        access: The service's address, and where its key is from.
        status: The HTTP status.
        message: The service's own words, without the key.
        retry_after: Seconds that the service asked to wait.
        code: The service's own code of the error.
    """
    reason = f"{access.base_url} answered {status}: {message}".rstrip(": ")
    unpaid = code.lower() in UNPAID
    fatal = status in FATAL or unpaid
    if fatal:
        suspect = _SUSPECT[402 if unpaid else status].format(variable=access.variable)
        reason = f"{reason}; correct {suspect}"
    elif status in WRONG:
        reason += next((f"; {hint}" for word, hint in HINTS.items() if word in message), "")
    retryable = not fatal and (status in RETRYABLE or status >= SERVER_ERROR)
    error = AttemptError(reason, retryable=retryable, fatal=fatal, retry_after=retry_after)
    error.status = status
    return error
