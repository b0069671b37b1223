"""Handlers of the server itself: health, version, store, the current user, logging in."""

from __future__ import annotations

from typing import Final

from lake.errors import UnauthorizedError
from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.bodies import LoginInformation, StatisticsEvents
from lake.server.http.requests import Request, Result
from lake.server.http.tokens import LOGIN

VERSION: Final = "1.80.0"
"""The version of lakeFS whose API this server follows."""


def healthcheck(_app: AppState, _request: Request) -> Result:
    """Answer that the server is up."""
    return Result(204)


def config(app: AppState, _request: Request) -> Result:
    """Version and store."""
    return Result(200, representations.config(version=VERSION, imports=app.imports.enabled))


def version(_app: AppState, _request: Request) -> Result:
    """Version alone."""
    return Result(200, {"version": VERSION})


def storage(app: AppState, _request: Request) -> Result:
    """Store alone."""
    return Result(200, representations.storage(imports=app.imports.enabled))


def setup_state(_app: AppState, _request: Request) -> Result:
    """Answer that the lake needs no setup."""
    return Result(200, {"state": "initialized", "comm_prefs_missing": False})


def statistics(_app: AppState, _request: Request, body: StatisticsEvents) -> Result:  # noqa: ARG001
    """Accept what clients report of their use, and forget it."""
    return Result(204)


def current_user(app: AppState, request: Request) -> Result:
    """The user to whom the credentials belong."""
    name, created = request.user, (request.key.created if request.key else 0) or app.created
    user = {"id": name, "friendly_name": name, "email": "", "creation_date": created}
    return Result(200, {"user": user})


def login(app: AppState, _request: Request, body: LoginInformation) -> Result:
    """Hand out a token for the key pair, to be sent as `Authorization: Bearer`.

    Raises:
        UnauthorizedError: the lake has no such key pair.
    """
    if app.keys.match(body.access_key_id, body.secret_access_key) is None:
        raise UnauthorizedError("error authenticating request")
    token, expires = app.signer.sign(LOGIN, {"user": body.access_key_id})
    return Result(200, {"token": token, "token_expiration": expires})
