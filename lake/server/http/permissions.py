"""What the holder of a key may do: a role that is high enough, and a repository that is theirs."""

from __future__ import annotations

from typing import Final

from lake.errors import ForbiddenError
from lake.keys import Role
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request

_ORDER: Final = (Role.READER, Role.WRITER, Role.ADMIN)
"""Each may do what those before it may."""


def check(app: AppState, request: Request, needed: Role) -> None:
    """Refuse a request whose key does not go far enough.

    Raises:
        ForbiddenError: it has a lower role, or is not for the repository, or not for the whole
            lake where that is what an administrator changes.
    """
    key = request.key
    if key is None:
        raise ForbiddenError("this needs a key")
    if _ORDER.index(key.role) < _ORDER.index(needed):
        raise ForbiddenError(f"the key {key.name!r} is a {key.role}'s: this needs a {needed}'s")
    if "repository" in request.path:
        app.keys.check_repository(key, request.repository)
    elif needed is Role.ADMIN and key.repositories:
        raise ForbiddenError(
            f"the key {key.name!r} is for {', '.join(key.repositories)} alone: this concerns the "
            "whole lake"
        )
