"""Start the embedded lake on demand, and say where it listens and which keys it accepts."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from lake.daemon import Daemon, Endpoint, responds
from lake.errors import FullError
from lake.home import LakeHome
from lake.settings import Remote

IDLE_SECONDS: Final = 300
START_SECONDS: Final = 30.0


def serve_on_demand(
    home: Path, *, idle: int = IDLE_SECONDS, timeout: float = START_SECONDS
) -> Remote:
    """Return endpoint and credentials of the lake in `home`, starting its server if needed.

    Args:
        home: The lake's directory.
        idle: Seconds without a request after which a server started here ends itself.
        timeout: Seconds to wait until it answers.

    Raises:
        UnreachableError: The server did not start; the message holds what it said last.
        FullError: The directory cannot be written.
    """
    lake = LakeHome(home.absolute())
    try:
        keys = lake.credentials()
    except OSError as error:
        raise FullError(f"the lake in {home} cannot be written: {error.strerror}") from error

    def remote(endpoint: Endpoint) -> Remote:
        return Remote(endpoint.url, keys.access_key_id, keys.secret_access_key)

    daemon = Daemon(
        name=f"the embedded lake in {lake.path}",
        home=lake,
        module="lake.server",
        is_ready=lambda endpoint: answers(remote(endpoint)),
        inherits=lambda variable: not variable.startswith("LAKECTL_"),
        program="lake",
    )
    return remote(daemon.ensure(idle=idle, timeout=timeout))


def answers(remote: Remote, *, timeout: float = 2.0) -> bool:
    """Tell whether a lakeFS API at this endpoint accepts these credentials."""
    pair = f"{remote.access_key_id}:{remote.secret_access_key}"
    token = base64.b64encode(pair.encode()).decode()
    headers = {"Authorization": f"Basic {token}"}
    return responds(remote.endpoint, "/api/v1/config", headers, timeout=timeout)
