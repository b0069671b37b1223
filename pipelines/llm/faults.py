"""What went wrong with one attempt; inside this package only.

A fault is an attempt's end, not yet a request's: most are followed by another attempt.
"""

from __future__ import annotations

from typing import Final

from lake.visible import brief
from pipelines.llm.settings import API_KEY, BASE_URL

FATAL: Final = frozenset({401, 403, 404})
"""No request will succeed: the key, the rights or the model are wrong."""
AGAIN: Final = frozenset({408, 409, 425, 429})
"""Another attempt may succeed, as after every 5xx."""
FINAL: Final = frozenset({*FATAL, 400, 413, 422})
"""Codes in a 200 after which nothing else is tried."""
SERVER_ERROR: Final = 500
_SUSPECT: Final = {
    401: API_KEY,
    403: f"the rights of {API_KEY}, or the model",
    404: f"the model, or {BASE_URL}",
}


class Fault(Exception):  # noqa: N818  not a caller's error
    """An attempt gave no answer.

    Attributes:
        reason: one sentence, already without the key.
        again: whether another attempt may help.
        fatal: whether no request at all can succeed.
        wait: seconds that the service asked to wait.
        other_seed: whether the next attempt must ask with another seed to get another answer.
        uncertain: whether the service may have worked, and billed, all the same.
        unreachable: whether nothing was sent, because nobody listens.
        code: HTTP status, where the service gave one.
        tokens: in and out, where they were counted.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = True,
        fatal: bool = False,
        wait: float | None = None,
        other_seed: bool = False,
        uncertain: bool = False,
        unreachable: bool = False,
    ) -> None:
        self.reason = brief(reason)
        super().__init__(self.reason)
        self.again = again
        self.fatal = fatal
        self.wait = wait
        self.other_seed = other_seed
        self.uncertain = uncertain
        self.unreachable = unreachable
        self.code: int | None = None
        self.tokens = (0, 0)

    def billed(self, tokens_in: int, tokens_out: int) -> Fault:
        """The fault with the tokens that were counted for it."""
        self.tokens = (tokens_in, tokens_out)
        return self


class Stopped(Exception):  # noqa: N818  not a caller's error
    """The run has been stopped; nothing more is sent."""


def refused(where: str, code: int, words: str, wait: float | None = None) -> Fault:
    """What an HTTP status that is no 200 means.

    Args:
        where: the service's address.
        code: the status.
        words: what the service said, without the key.
        wait: seconds that it asked to wait.
    """
    said = f"{where} answered {code}: {words}".rstrip(": ")
    fatal = code in FATAL
    if fatal:
        said = f"{said}; correct {_SUSPECT[code]}"
    fault = Fault(said, again=code in AGAIN or code >= SERVER_ERROR, fatal=fatal, wait=wait)
    fault.code = code
    return fault
