"""Handlers of the server itself: health, version, store, who asks, logging in."""

from __future__ import annotations

import hmac
from typing import Final

from lake.errors import UnauthorizedError
from lake.server.http import representations
from lake.server.http.requests import Answer, Call, Services
from lake.server.http.tokens import LOGIN_SECONDS

VERSION: Final = "1.80.0"
"""The version of lakeFS whose API this server follows."""
LOGIN: Final = "login"
"""The kind of token that a login hands out."""


def healthcheck(_lake: Services, _call: Call) -> Answer:
    """Answer that the server is up."""
    return Answer(204)


def config(lake: Services, _call: Call) -> Answer:
    """Version and store."""
    return Answer(200, representations.config(version=VERSION, imports=lake.imports.offered))


def version(_lake: Services, _call: Call) -> Answer:
    """Version alone."""
    return Answer(200, {"version": VERSION})


def storage(lake: Services, _call: Call) -> Answer:
    """Store alone."""
    return Answer(200, representations.storage(imports=lake.imports.offered))


def setup_state(_lake: Services, _call: Call) -> Answer:
    """Answer that the lake needs no setup."""
    return Answer(200, {"state": "initialized", "comm_prefs_missing": False})


def statistics(_lake: Services, _call: Call) -> Answer:
    """Take what clients say of their use, and forget it."""
    return Answer(204)


def current_user(_lake: Services, call: Call) -> Answer:
    """Who the credentials belong to."""
    return Answer(200, {"user": {"id": call.user, "creation_date": 0}})


def login(lake: Services, call: Call) -> Answer:
    """Hand out a token for the key pair, to be sent as `Authorization: Bearer`.

    Raises:
        UnauthorizedError: the key pair is not the lake's.
    """
    given = f"{call.text('access_key_id')}:{call.text('secret_access_key')}"
    expected = f"{lake.keys.access_key_id}:{lake.keys.secret_access_key}"
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise UnauthorizedError("error authenticating request")
    content = {"user": lake.keys.access_key_id}
    token, expires = lake.signer.seal(LOGIN, content, LOGIN_SECONDS)
    return Answer(200, {"token": token, "token_expiration": expires})
