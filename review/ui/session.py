"""The session of one browser, which opened the address that the command printed."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import Final

BYTES: Final = 32


class Session:
    """The secrets of one run of the page; none is ever written to a file."""

    def __init__(self) -> None:
        """Draw the secrets."""
        self.token = secrets.token_urlsafe(BYTES)
        self.cookie = secrets.token_urlsafe(BYTES)
        self.csrf = secrets.token_urlsafe(BYTES)
        self._used = False
        self._lock = threading.Lock()

    def enter(self, token: str) -> bool:
        """Whether a token starts the session; it does so once."""
        with self._lock:
            if self._used or not _same(token, self.token):
                return False
            self._used = True
            return True

    def holds(self, cookie: str | None) -> bool:
        """Whether a cookie belongs to this run."""
        return cookie is not None and _same(cookie, self.cookie)

    def sent(self, csrf: object) -> bool:
        """Whether a form comes from a page of this run."""
        return isinstance(csrf, str) and _same(csrf, self.csrf)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
