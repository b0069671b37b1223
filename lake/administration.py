"""Calls of an embedded lake for its administrators, which lakeFS and so its SDK do not have.

Only the process that serves a lake changes its objects, so it is asked; it is started if need be.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lake import documents
from lake.documents import DocumentError
from lake.errors import NotFoundError, UnreachableError, refused
from lake.home import LakeHome
from lake.launch import answers, serve_on_demand
from lake.settings import ACCESS_KEY, SECRET_KEY, Remote

TIMEOUT_SECONDS: Final = 3600.0
"""Time limit for a call."""


def serving(home: Path) -> Remote:
    """Where a lake is served already, with the key pair of the environment, or else by us.

    Raises:
        NotFoundError: there is no lake.
        LakeError: it cannot be served.
    """
    if not LakeHome(home).catalog.exists():
        raise NotFoundError(f"there is no lake in {home}: name its directory with --home")
    endpoint = LakeHome(home).serving()
    access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    if endpoint is not None and access and secret:
        remote = Remote(endpoint.url, access, secret)
        if answers(remote):
            return remote
    return serve_on_demand(home)


def post(remote: Remote, path: str, body: Mapping[str, object], action: str) -> Any:  # noqa: ANN401  JSON
    """Make a call; return what it answers.

    Args:
        remote: the lake.
        path: of the call, with the API's own.
        body: JSON object to send.
        action: what the call does, for a message.

    Raises:
        LakeError: the lake refuses, or does not answer.
    """
    keys = f"{remote.access_key_id}:{remote.secret_access_key}"
    authorization = f"Basic {base64.b64encode(keys.encode()).decode()}"
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    url = urlsplit(remote.endpoint)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT_SECONDS)
    try:
        with closing(connection):
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            f"the lake at {remote.endpoint} stopped before it answered"
        ) from error
    if response.status != http.client.OK:
        raise refused(action, response.status, content, response.reason)
    try:
        return documents.parse_json(content)
    except DocumentError as error:
        raise UnreachableError(
            f"what answers at {remote.endpoint} is no lake: it {error}"
        ) from error
