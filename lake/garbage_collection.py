"""Ask the process that serves an embedded lake to collect garbage; it is started if need be.

Only that process knows which objects are on their way in, so no other one removes any. lakeFS has
no such call, and its SDK is not needed for one.
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
COUNTS: Final = ("objects", "object_bytes", "commits", "blocks", "block_bytes", "spared")
TIMEOUT_SECONDS: Final = 3600.0
"""Time limit for a collection."""


def collect(
    home: Path, *, keep: int, also: Collection[str] = (), dry_run: bool = False
) -> Mapping[str, int]:
    """Free what is not reachable; return how many items and bytes were freed, or would be.

    Args:
        home: the lake's directory.
        keep: seconds for which a commit stays that a branch or tag left.
        also: ids of further commits to keep.
        dry_run: only count.

    Raises:
        NotFoundError: there is no lake.
        LakeError: it cannot be served, or refuses.
    """
    if not LakeHome(home).catalog.exists():
        raise NotFoundError(f"there is no lake in {home}: name its directory with --home")
    remote = _serving(home)
    body = {"keep_seconds": keep, "also": sorted(also), "dry_run": dry_run}
    counts = _post(remote, PATH, body)
    if not isinstance(counts, dict) or not all(type(counts.get(name)) is int for name in COUNTS):
        raise UnreachableError(f"what answers at {remote.endpoint} is no lake: it counts nothing")
    return counts


def _serving(home: Path) -> Remote:
    """Where the lake is served already, with the key pair of the environment, or else by us."""
    endpoint = LakeHome(home).serving()
    access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    if endpoint is not None and access and secret:
        remote = Remote(endpoint.url, access, secret)
        if answers(remote):
            return remote
    return serve_on_demand(home)


def _post(remote: Remote, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  JSON
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
        raise refused("collect garbage", response.status, content, response.reason)
    try:
        return documents.parse_json(content)
    except DocumentError as error:
        raise UnreachableError(
            f"what answers at {remote.endpoint} is no lake: it {error}"
        ) from error
