"""What the server hands out and takes back unchanged: login tokens and addresses, each signed.

A token is its content and a signature by a key made from the lake's secret, so that it lives as
long as the key pair and as its own time, and no table has to remember it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from lake.errors import ForbiddenError

ADDRESS_SECONDS: Final = 900
"""How long an address that is handed out can be used."""
LOGIN_SECONDS: Final = 7 * 86_400
"""How long a login lasts."""


class Signer:
    """Seals and opens tokens of one lake."""

    def __init__(self, secret: str) -> None:
        """Make the signing key from the lake's secret."""
        self._key = hmac.digest(secret.encode(), b"stemma signed tokens", "sha256")

    def seal(self, kind: str, content: Mapping[str, Any], lasts: int) -> tuple[str, int]:
        """Make a token; return it and when it expires (unix seconds)."""
        expires = int(time.time()) + lasts
        packed = json.dumps({**content, "kind": kind, "expires": expires}, separators=(",", ":"))
        return f"{_text(packed.encode())}.{_text(self._signature(packed.encode()))}", expires

    def opened(self, kind: str, token: str) -> dict[str, Any]:
        """What a token holds.

        Raises:
            ForbiddenError: it was not made here, for something else, or has expired.
        """
        packed, _, signature = token.partition(".")
        try:
            content, given = _bytes(packed), _bytes(signature)
        except (binascii.Error, ValueError):
            content, given = b"", b""
        if not hmac.compare_digest(self._signature(content), given):
            raise ForbiddenError("the signature is not this lake's")
        found: dict[str, Any] = json.loads(content)
        if found["kind"] != kind:
            raise ForbiddenError("the signature is for something else")
        if found["expires"] < time.time():
            raise ForbiddenError("the signature has expired: ask for a new one")
        return found

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
