"""A lake of the benchmark's own, served as on demand, and the plainest HTTP client of it."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from lake.client import Lake, connect
from lake.home import LakeHome
from lake.launch import serve_on_demand
from lake.polling import until
from lake.settings import Embedded, Remote

REPOSITORY: Final = "bench"
END_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """A running lake: its client over files, its address and the server's process."""

    lake: Lake
    remote: Remote
    pid: int


@contextmanager
def serving(home: Path) -> Iterator[Served]:
    """Serve a lake while the block runs; its repository is made where it is missing."""
    remote = serve_on_demand(home)
    found = LakeHome(home).endpoint()
    pid = found.pid if found is not None else 0
    try:
        lake = connect(Embedded(home), REPOSITORY)
        lake.ensure(f"local://{REPOSITORY}")
        yield Served(lake, remote, pid)
    finally:
        os.kill(pid, signal.SIGTERM)
        _ended(pid)


def _ended(pid: int) -> None:
    """Wait until a server that was asked to end has ended."""
    if not until(lambda: not _is_alive(pid), interval=0.02, timeout=END_SECONDS):
        raise TimeoutError(f"the lake server {pid} did not end")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Plain:
    """HTTP with the standard library: one connection per thread, kept open."""

    def __init__(self, remote: Remote) -> None:
        """Speak to a lake."""
        parts = urlsplit(remote.endpoint)
        self._host, self._port = parts.hostname or "", parts.port
        pair = f"{remote.access_key_id}:{remote.secret_access_key}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        self._local = threading.local()

    def ask(self, method: str, below: str, body: bytes | None = None, **query: Any) -> bytes:  # noqa: ANN401
        """Send a request below the benchmark's repository; return the answer's body.

        Raises:
            ValueError: the answer is an error.
        """
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=300)
            self._local.connection = connection
        target = f"/api/v1/repositories/{REPOSITORY}{below}?{urlencode(query)}"
        connection.request(method, target, body, self._headers)
        answer = connection.getresponse()
        said: bytes = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise ValueError(f"{method} {target}: {answer.status} {said!r}")
        return said
