"""Who may open the page: whoever started it, and those with whom they share it.

Each visitor has an address with a token of their own, a cookie that the address is exchanged for,
and a token for forms. All are drawn when the page is started, and none is written to a file.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

BYTES: Final = 32
Role = Literal["owner", "reviewer", "reader"]
"""The owner decides about rounds and samples, a reviewer about samples, a reader about nothing."""


def _secret() -> str:
    return secrets.token_urlsafe(BYTES)


@dataclass(frozen=True, slots=True)
class Visitor:
    """One who may open the page."""

    role: Role
    name: str | None = None
    """By which decisions on samples are recorded; None: the user of the lake."""
    token: str = field(default_factory=_secret, repr=False)
    cookie: str = field(default_factory=_secret, repr=False)
    csrf: str = field(default_factory=_secret, repr=False)

    @property
    def decides(self) -> bool:
        """Whether the visitor may decide about samples."""
        return self.role != "reader"


class Session:
    """The visitors of one run of the page."""

    def __init__(self, reviewers: Sequence[str] = (), *, readers: bool = False) -> None:
        """Draw the secrets.

        Args:
            reviewers: names of those who may decide about samples.
            readers: whether there is an address for any number of browsers that only read.
        """
        self.owner = Visitor("owner")
        self.reviewers = tuple(Visitor("reviewer", name) for name in reviewers)
        self.reader = Visitor("reader") if readers else None
        self._used: set[str] = set()
        self._lock = threading.Lock()

    @property
    def visitors(self) -> tuple[Visitor, ...]:
        """All who may open the page."""
        return (self.owner, *self.reviewers, *([self.reader] if self.reader else []))

    @property
    def token(self) -> str:
        """The owner's token."""
        return self.owner.token

    @property
    def cookie(self) -> str:
        """The owner's cookie."""
        return self.owner.cookie

    @property
    def csrf(self) -> str:
        """The owner's token of forms."""
        return self.owner.csrf

    def enter(self, token: str) -> Visitor | None:
        """The visitor whom a token lets in: once, unless it is for readers."""
        found = [visitor for visitor in self.visitors if _same(token, visitor.token)]
        with self._lock:
            for visitor in found:
                if visitor.token not in self._used or visitor is self.reader:
                    self._used.add(visitor.token)
                    return visitor
        return None

    def holds(self, cookie: str | None) -> Visitor | None:
        """The visitor whom a cookie of this run belongs to."""
        if cookie is None:
            return None
        found = [visitor for visitor in self.visitors if _same(cookie, visitor.cookie)]
        return found[0] if found else None

    def sent(self, csrf: object, visitor: Visitor | None = None) -> bool:
        """Whether a form comes from a page of this run that a visitor saw; None: the owner."""
        return isinstance(csrf, str) and _same(csrf, (visitor or self.owner).csrf)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
