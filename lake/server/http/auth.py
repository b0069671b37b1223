"""Authentication, and limits of address and headers, before any handler sees a request.

Everything but the health check, the login, the setup state and signed addresses needs a key pair of
the lake (HTTP Basic) or a token that a login handed out (Bearer). Keys are compared in constant
time, tokens by their signature. No response lets a page of another origin read it (CORS), and what
such a page asks a browser to send is refused, with keys or without.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import CorruptError, ForbiddenError
from lake.keys import Key
from lake.server.http.handlers import presigned
from lake.server.http.key_ring import KeyRing
from lake.server.http.requests import KEY
from lake.server.http.responses import error_response
from lake.server.http.routes import PUBLIC
from lake.server.http.tokens import LOGIN, Signer

BASE: Final = "/api/v1"
MAX_URL: Final = 32 << 10
"""Largest path and query together, in bytes."""
MAX_HEADERS: Final = 64 << 10
"""Largest headers together, in bytes."""
_PUBLIC: Final = tuple(BASE + path for path in PUBLIC)


class AuthMiddleware:
    """Passes on authenticated requests whose address and headers keep to the limits."""

    def __init__(self, app: ASGIApp, keys: KeyRing, signer: Signer) -> None:
        """Wrap an application."""
        self._app = app
        self._keys = keys
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
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        limit = unreadable(scope)
        if limit is not None:
            return limit
        if _is_cross_origin(scope):
            return error_response(403, "pages of other origins may not use this lake")
        if scope["path"] in _PUBLIC or scope["path"].startswith(f"{presigned.PATH}/"):
            return None
        try:
            key = self._key(header(scope, b"authorization"))
        except CorruptError as error:
            return error_response(500, str(error))
        if key is None:
            return error_response(401, "error authenticating request")
        scope[KEY] = key
        return None

    def _key(self, authorization: bytes) -> Key | None:
        """The key of who sends a request; None where it is not proven."""
        scheme, _, value = authorization.partition(b" ")
        try:
            if scheme.lower() == b"bearer":
                content = self._signer.verify(LOGIN, value.decode("latin-1"))
                return self._keys.find(content["user"])
            given = base64.b64decode(value, validate=True) if scheme.lower() == b"basic" else b""
            name, _, secret = given.decode().partition(":")
        except (ForbiddenError, binascii.Error, UnicodeDecodeError):
            return None
        return self._keys.match(name, secret)


def unreadable(scope: Scope) -> Response | None:
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


def header(scope: Scope, wanted: bytes) -> bytes:
    """A header of a request, empty where it is missing."""
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _is_cross_origin(scope: Scope) -> bool:
    """Whether a browser sends the request for a page that this host has not served."""
    origin = header(scope, b"origin")
    return bool(origin) and origin.partition(b"://")[2] != header(scope, b"host")
