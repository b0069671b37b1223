"""A real lake server, as a process of its own, and the ways to reach it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import lakefs

from lake.home import Credentials, LakeHome
from lake.launch import answers
from lake.polling import until
from lake.settings import ACCESS_KEY, SECRET_KEY, Remote
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0
SALTED = Path(__file__).with_name("salted_server.py")
"""The program of a server that gives commits other ids."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its home, its process, and where and with which keys it answers."""

    home: Path
    process: subprocess.Popen[bytes]
    remote: Remote

    def http(self) -> httpx.Client:
        """A plain HTTP client with the lake's credentials, rooted at the API."""
        return api_client(self.remote)

    def client(self) -> lakefs.Client:
        """LakeFS's own high-level client."""
        return sdk_client(self.remote)

    def kill(self) -> None:
        """End the process without a chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """Ask the process to end."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


def api_root(remote: Remote) -> str:
    return remote.endpoint.rstrip("/").removesuffix("/api/v1") + "/api/v1"


def api_client(remote: Remote) -> httpx.Client:
    """A plain HTTP client with the keys, rooted at the API."""
    keys = (remote.access_key_id, remote.secret_access_key)
    return httpx.Client(base_url=api_root(remote), auth=keys, timeout=20.0)


def sdk_client(remote: Remote) -> lakefs.Client:
    """LakeFS's own high-level client."""
    return lakefs.Client(
        host=remote.endpoint,
        username=remote.access_key_id,
        password=remote.secret_access_key,
    )


def answering(status: int, body: bytes) -> type[BaseHTTPRequestHandler]:
    """Some other program that got the port and answers everything the same."""

    class Stranger(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the base class looks for these

        def log_message(self, *_: object) -> None:
            pass

    return Stranger


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[str]:
    """A server that is no lake; yields its endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), answering(status, body)) as other:
        serving = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield f"http://127.0.0.1:{other.server_port}"
        finally:
            other.shutdown()
            serving.join(5)


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def command(home: Path, idle: int = 600) -> list[str]:
    """How a server is started by hand."""
    return [sys.executable, "-m", "lake.server", "--home", str(home), "--idle", str(idle)]


def salted_command(home: Path, idle: int = 600) -> list[str]:
    """How a server is started that gives commits other ids."""
    return [sys.executable, str(SALTED), *command(home, idle)[3:]]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a server: the checkout importable, nobody's lakeFS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAKECTL_")}
    return {**kept, "PYTHONPATH": str(ROOT), **(extra or {})}


def start(
    home: Path,
    *,
    idle: int = 600,
    prepare: Callable[[], object] | None = None,
    more: Sequence[str] = (),
    keys: Credentials | None = None,
    extra: Mapping[str, str] | None = None,
    fresh: bool = False,
    salted: bool = False,
) -> Served:
    """Start a server, with more options, keys or variables, and wait until it answers.

    A fresh one is a program that is started; the others are forks (`tests/forked.py`). A salted one
    gives commits other ids.
    """
    given = {ACCESS_KEY: keys.access_key_id, SECRET_KEY: keys.secret_access_key} if keys else {}
    home.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{home.name}.stderr").open("ab") as said:
        process = (subprocess if fresh else forked).Popen(
            [*(salted_command(home, idle) if salted else command(home, idle)), *more],
            stderr=said,
            env=environment({**given, **(extra or {})}),
            cwd=ROOT,
            preexec_fn=prepare,  # a limit that must hold in the child only
        )
    lake = LakeHome(home)

    def remote() -> Remote | None:
        found = lake.endpoint()
        if found is None or found.pid != process.pid:
            return None
        pair = keys or lake.credentials()
        where = Remote(found.url, pair.access_key_id, pair.secret_access_key)
        return where if answers(where) else None

    until(lambda: process.poll() is not None or remote(), interval=0.02, timeout=START_SECONDS)
    answering_at = remote() if process.poll() is None else None
    if answering_at is not None:
        return Served(home, process, answering_at)
    process.kill()
    process.wait(10)
    said_text = (home.parent / f"{home.name}.stderr").read_text(encoding="utf-8")
    raise AssertionError(f"the server did not answer: {said_text}")


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass
