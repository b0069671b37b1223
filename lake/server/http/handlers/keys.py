"""Handlers of keys, which are this server's own calls, for administrators."""

from __future__ import annotations

from typing import Any

from lake import keys
from lake.keys import Key, Role
from lake.server.http.app_state import AppState
from lake.server.http.bodies import KeyCreation
from lake.server.http.requests import Request, Result


def list_keys(app: AppState, _request: Request) -> Result:
    """All keys, without their secrets."""
    return Result(200, {"keys": [_described(key) for key in keys.read(app.keys.home)]})


def add_key(app: AppState, _request: Request, body: KeyCreation) -> Result:
    """Make a key; its secret is in this answer and in no other."""
    made = keys.add(app.keys.home, body.name, Role(body.role), body.repositories)
    return Result(201, {**_described(made), "secret_access_key": made.secret_access_key})


def revoke_key(app: AppState, request: Request) -> Result:
    """Forget a key."""
    keys.revoke(app.keys.home, request.path["key"])
    return Result(204)


def _described(key: Key) -> dict[str, Any]:
    return {**key.described(), "creation_date": key.created}
