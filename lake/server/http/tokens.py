"""Signed tokens (itsdangerous): logins and addresses that the server takes back unchanged.

A token holds its content, the time when it was made, and a signature by a key that is derived from
the lake's secret. It is valid as long as the key pair and its own lifetime, and no table has to
remember it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from lake.errors import ForbiddenError
from lake.server.catalog.multipart import KEEP_SECONDS


@dataclass(frozen=True, slots=True)
class TokenKind:
    """What a token is for, and for how many seconds it is valid."""

    name: str
    seconds: int


LOGIN: Final = TokenKind("login", 7 * 86_400)
READ: Final = TokenKind("read", 900)
WRITE: Final = TokenKind("write", 900)
PART: Final = TokenKind("part", KEEP_SECONDS)


class Signer:
    """Signs and verifies the tokens of one lake."""

    def __init__(self, secret: str) -> None:
        """Derive the signing key from the lake's secret."""
        self._serializer = URLSafeTimedSerializer(
            secret,
            salt="stemma signed tokens",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def sign(self, kind: TokenKind, content: Mapping[str, Any]) -> tuple[str, int]:
        """Make a token; return it and when it expires (unix seconds)."""
        expires = int(time.time()) + kind.seconds
        token = self._serializer.dumps({**content, "kind": kind.name})
        return token if isinstance(token, str) else token.decode("ascii"), expires

    def verify(self, kind: TokenKind, token: str) -> dict[str, Any]:
        """The content of a token.

        Raises:
            ForbiddenError: it was not made here, is of another kind, or has expired.
        """
        try:
            content: dict[str, Any] = self._serializer.loads(token, max_age=kind.seconds)
        except SignatureExpired as error:
            raise ForbiddenError("the signature has expired: ask for a new one") from error
        except BadData as error:
            raise ForbiddenError("the signature is not this lake's") from error
        if content["kind"] != kind.name:
            raise ForbiddenError("the signature is for something else")
        return content
