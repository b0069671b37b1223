"""Who may pass, and with how much: keys, and limits of address and headers.

Everything but the health check, the login, the setup state and signed addresses needs the lake's
key pair (HTTP Basic) or a token that a login handed out (Bearer). Keys are compared in constant
time, tokens by their signature. No answer lets a page of another origin read it (CORS), and what
such a page asks a browser to send is refused, with keys or without.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import ForbiddenError
from lake.home import Credentials
from lake.server.http.handlers.config import LOGIN
from lake.server.http.handlers.presigned import PATH as SIGNED
from lake.server.http.responses import failure
from lake.server.http.tokens import Signer

BASE: Final = "/api/v1"
MAX_URL: Final = 32 << 10
"""Bytes of path and query."""
MAX_HEADERS: Final = 64 << 10
"""Bytes of all headers."""
USER: Final = "lake.user"
"""Where the scope of a request holds who asks."""
_OPEN: Final = (f"{BASE}/healthcheck", f"{BASE}/auth/login", f"{BASE}/setup_lakefs")


class Guarded:
    """Lets in only requests that belong, and no larger heads than the limits."""

    def __init__(self, app: ASGIApp, keys: Credentials, signer: Signer) -> None:
        """Wrap an application."""
        self._app = app
        self._user = keys.access_key_id
        self._expected = f"{keys.access_key_id}:{keys.secret_access_key}".encode()
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to a request without keys, 414 or 431 to one that is too large."""
        if scope["type"] != "http":
            return
        answer = self._refused(scope)
        if answer is not None:
            await answer(scope, receive, send)
            return
        # A segment may hold an encoded slash, as in a tag: routes match before it is decoded.
        scope["path"] = quote(scope["raw_path"].decode("latin-1"), safe="/%~:@!$&'()*+,;=")
        scope[USER] = self._user
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URL:
            return failure(414, f"path and query are longer than {MAX_URL} bytes")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
            return failure(431, f"the headers are longer than {MAX_HEADERS} bytes")
        if _of_another_page(scope):
            return failure(403, "pages of other origins may not use this lake")
        if scope["path"] in _OPEN or scope["path"].startswith(f"{SIGNED}/"):
            return None
        if not self._known(_header(scope, b"authorization")):
            return failure(401, "error authenticating request")
        return None

    def _known(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        if scheme.lower() == b"bearer":
            try:
                found = self._signer.opened(LOGIN, token.decode("latin-1"))
            except ForbiddenError:
                return False
            return bool(found["user"] == self._user)
        try:
            given = base64.b64decode(token, validate=True) if scheme.lower() == b"basic" else b""
        except binascii.Error:
            return False
        return hmac.compare_digest(given, self._expected)


def _header(scope: Scope, wanted: bytes) -> bytes:
    """A header of a request, empty where it is missing."""
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _of_another_page(scope: Scope) -> bool:
    """Whether a browser sends the request for a page that this host has not served."""
    origin = _header(scope, b"origin")
    return bool(origin) and origin.partition(b"://")[2] != _header(scope, b"host")
