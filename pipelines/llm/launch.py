"""Start the local server on demand, and say where it listens and with which key."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lake.daemon import Daemon, Endpoint, responds
from lake.errors import LakeError
from pipelines.common.errors import ServiceError
from pipelines.llm.home import DIRECTORY, IDLE_SECONDS, ServerHome
from pipelines.llm.settings import Access, is_secret

START_SECONDS: Final = 60.0
_API: Final = "/v1"


def serve_on_demand(
    home: Path = DIRECTORY, *, idle: int = IDLE_SECONDS, timeout: float = START_SECONDS
) -> Access:
    """Return address and key of the project's server, starting it if needed.

    Args:
        home: The server's directory.
        idle: Seconds without a request after which a server started here ends itself.
        timeout: Seconds to wait until it answers; the first start unpacks the model.

    Raises:
        ServiceError: The server did not start; the message holds what it said last.
    """
    server = ServerHome(home.absolute())
    try:
        key = server.key()
    except OSError as error:
        raise ServiceError(f"{home} cannot be written: {error.strerror}") from error
    daemon = Daemon(
        name="the local model's server",
        home=server,
        module="pipelines.llm.local_server",
        is_ready=lambda endpoint: answers(_access(endpoint, key)),
        inherits=lambda variable: not is_secret(variable),
        program="local_llm",
    )
    try:
        return _access(daemon.ensure(idle=idle, timeout=timeout), key)
    except LakeError as error:
        raise ServiceError(str(error)) from error


def answers(access: Access, *, timeout: float = 5.0) -> bool:
    """Tell whether a server at this address accepts this key."""
    headers = {"Authorization": f"Bearer {access.key}"}
    return responds(access.base_url, f"{_API}/models", headers, timeout=timeout)


def serves(access: Access, home: Path = DIRECTORY) -> bool:
    """Tell whether the project's server still listens where it was found: its process lives."""
    endpoint = ServerHome(home.absolute()).serving()
    return endpoint is not None and _access(endpoint, access.key) == access


def _access(endpoint: Endpoint, key: str) -> Access:
    return Access(f"{endpoint.url}{_API}", key)
