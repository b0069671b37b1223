"""Authentication, and limits of address and headers, before any handler sees a request.

Everything but the health check, the login, the setup state and signed addresses needs the lake's
key pair (HTTP Basic) or a token that a login handed out (Bearer). Keys are compared in constant
time, tokens by their signature. No response lets a page of another origin read it (CORS), and what
such a page asks a browser to send is refused, with keys or without.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import ForbiddenError
from lake.home import Credentials
from lake.server.http.handlers import presigned
from lake.server.http.requests import USER
from lake.server.http.responses import error_response
from lake.server.http.tokens import LOGIN, Signer

BASE: Final = "/api/v1"
MAX_URL: Final = 32 << 10
"""Largest path and query together, in bytes."""
MAX_HEADERS: Final = 64 << 10
"""Largest headers together, in bytes."""
_PUBLIC: Final = (f"{BASE}/healthcheck", f"{BASE}/auth/login", f"{BASE}/setup_lakefs")


class AuthMiddleware:
    """Passes on authenticated requests whose address and headers keep to the limits."""

    def __init__(self, app: ASGIApp, credentials: Credentials, signer: Signer, user: str) -> None:
        """Wrap an application; `user` is the name of who holds the keys."""
        self._app = app
        self._user = user
        self._access_key_id = credentials.access_key_id
        key_pair = f"{credentials.access_key_id}:{credentials.secret_access_key}"
        self._expected = key_pair.encode()
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to a request without keys, 414 or 431 to one that is too large."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # A segment may hold an encoded slash, as in a tag: routes match before it is decoded.
        scope["path"] = quote(scope["raw_path"].decode("latin-1"), safe="/%~:@!$&'()*+,;=")
        scope[USER] = self._user
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        unreadable = _unreadable(scope)
        if unreadable is not None:
            return unreadable
        if _is_cross_origin(scope):
            return error_response(403, "pages of other origins may not use this lake")
        if scope["path"] in _PUBLIC or scope["path"].startswith(f"{presigned.PATH}/"):
            return None
        if not self._is_authenticated(_header(scope, b"authorization")):
            return error_response(401, "error authenticating request")
        return None

    def _is_authenticated(self, authorization: bytes) -> bool:
        scheme, _, value = authorization.partition(b" ")
        if scheme.lower() == b"bearer":
            try:
                content = self._signer.verify(LOGIN, value.decode("latin-1"))
            except ForbiddenError:
                return False
            return bool(content["user"] == self._access_key_id)
        try:
            given = base64.b64decode(value, validate=True) if scheme.lower() == b"basic" else b""
        except binascii.Error:
            return False
        return hmac.compare_digest(given, self._expected)


def _unreadable(scope: Scope) -> Response | None:
    """The answer to a request whose address or headers are too large, or are no text."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URL:
        return error_response(414, f"path and query are longer than {MAX_URL} bytes")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        return error_response(431, f"the headers are longer than {MAX_HEADERS} bytes")
    if not _is_text(scope):
        return error_response(400, "path and query must be UTF-8")
    return None


def _is_text(scope: Scope) -> bool:
    """Whether all that is percent-encoded in path and query is UTF-8."""
    address = scope["raw_path"] + b"?" + scope["query_string"]
    try:
        unquote_to_bytes(address).decode()
    except UnicodeDecodeError:
        return False
    return True


def _header(scope: Scope, wanted: bytes) -> bytes:
    """A header of a request, empty where it is missing."""
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _is_cross_origin(scope: Scope) -> bool:
    """Whether a browser sends the request for a page that this host has not served."""
    origin = _header(scope, b"origin")
    return bool(origin) and origin.partition(b"://")[2] != _header(scope, b"host")
