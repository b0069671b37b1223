"""Ask the process that serves an embedded lake to collect garbage; it is started if need be.

Only that process knows which objects are on their way in, so nobody else removes any. lakeFS has no
such call, and its SDK is not needed for one.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Collection, Mapping
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

PATH: Final = "/api/v1/_stemma/gc"
COUNTED: Final = ("objects", "object_bytes", "commits", "blocks", "block_bytes", "spared")
PATIENCE: Final = 3600.0
"""Seconds to wait for a collection."""


def collect(
    home: Path, *, keep: int, also: Collection[str] = (), dry_run: bool = False
) -> Mapping[str, int]:
    """Free what nothing leads to; return how many of what were freed, or would be.

    Args:
        home: the lake's directory.
        keep: seconds for which a commit stays that a branch or tag left.
        also: ids of commits to keep besides.
        dry_run: only count.

    Raises:
        NotFoundError: there is no lake.
        LakeError: it cannot be served, or refuses.
    """
    if not LakeHome(home).catalog.exists():
        raise NotFoundError(f"there is no lake in {home}: name its directory with --home")
    remote = _served(home)
    asked = {"keep_seconds": keep, "also": sorted(also), "dry_run": dry_run}
    found = _post(remote, PATH, asked)
    if not isinstance(found, dict) or not all(type(found.get(name)) is int for name in COUNTED):
        raise UnreachableError(f"what answers at {remote.endpoint} is no lake: it counts nothing")
    return found


def _served(home: Path) -> Remote:
    """Where the lake is served: by somebody with a key pair of the environment, or else by us."""
    found = LakeHome(home).serving()
    keys = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    if found is not None and keys[0] and keys[1]:
        remote = Remote(found.url, keys[0], keys[1])
        if answers(remote):
            return remote
    return serve_on_demand(home)


def _post(remote: Remote, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  JSON
    token = base64.b64encode(f"{remote.access_key_id}:{remote.secret_access_key}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    where = urlsplit(remote.endpoint)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
    try:
        with closing(connection):
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            f"the lake at {remote.endpoint} stopped before it answered"
        ) from error
    if answer.status != http.client.OK:
        raise refused("collect garbage", answer.status, said, answer.reason)
    try:
        return documents.parse_json(said)
    except DocumentError as error:
        raise UnreachableError(
            f"what answers at {remote.endpoint} is no lake: it {error}"
        ) from error
