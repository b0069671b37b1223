"""Serve an embedded lake: `python -m lake.server --home DIR`.

One process serves a lake; it holds the lock of its directory. It writes down where it listens, ends
itself after an idle time, and needs no repair after a crash: a change is one SQLite transaction,
and objects are on disk before anything refers to them.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import Busy, Full, LakeError
from lake.home import Credentials, Endpoint, LakeHome
from lake.server.app import build
from lake.server.calls import Services
from lake.server.catalog import Catalog
from lake.server.content import Content
from lake.server.database import Database
from lake.server.objects import ObjectStore, room
from lake.server.versions import Versions
from lake.settings import ACCESS_KEY, SECRET_KEY

CHECK_SECONDS: Final = 1.0


def main() -> None:
    """Parse the command line and serve until stopped or idle."""
    parser = argparse.ArgumentParser(prog="python -m lake.server", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="directory of the lake")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--idle", type=int, default=0, help="end after so many idle seconds")
    asked = parser.parse_args()
    try:
        serve(LakeHome(asked.home.absolute()), asked.host, asked.port, asked.idle)
    except LakeError as error:
        sys.stderr.write(f"lake: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.stderr.write(f"lake: {asked.host}:{asked.port}: {error.strerror}\n")
        sys.exit(1)


def serve(home: LakeHome, host: str, port: int, idle: int) -> None:
    """Serve a lake in this process.

    Raises:
        Busy: another process serves it.
        Full: its directory cannot be written.
        OSError: the address cannot be listened on.
    """
    lock = _locked(home)
    with room():
        home.identity()
        keys = _keys(home)
    _log_to(home.path / "server.log")
    listener = _listen(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    watch = Watch(build(open_lake(home), keys))
    config = uvicorn.Config(
        watch,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again when it is done
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    with room():
        home.announce(Endpoint(url, os.getpid(), idle))
    try:
        asyncio.run(_run(server, listener, watch, idle))
    finally:
        home.withdraw(os.getpid())
        lock.close()


def open_lake(home: LakeHome) -> Services:
    """Open catalog and object store of a lake."""
    store = ObjectStore(home)
    catalog = Catalog(Database(home.catalog))
    versions = Versions(catalog)
    return Services(store, catalog, versions, Content(catalog, versions, store))


class Watch:
    """Counts requests under way and remembers when the last one ended."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app
        self._open = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def idle_seconds(self) -> float:
        """Seconds since the last request ended; 0 while one is under way."""
        return 0.0 if self._open else time.monotonic() - self._last


async def _run(server: uvicorn.Server, listener: socket.socket, watch: Watch, idle: int) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait([serving], timeout=CHECK_SECONDS)
        if idle and watch.idle_seconds() > idle:
            server.should_exit = True
    await serving


def _locked(home: LakeHome) -> IO[str]:
    """Take the lake's lock; it is freed when the process ends, however it ends."""
    with room():
        home.path.mkdir(parents=True, exist_ok=True)
        lock = home.lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        found = home.endpoint()
        holder = f"process {found.pid} at {found.url}" if found else "another process"
        raise Busy(f"{holder} serves the lake in {home.path} already") from error
    except OSError as error:
        raise Full(f"the lake in {home.path} cannot be locked: {error.strerror}") from error
    return lock


def _keys(home: LakeHome) -> Credentials:
    """The key pair of the environment where it is set, else the generated one."""
    access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    return Credentials(access, secret) if access and secret else home.credentials()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Naming the protocol is what makes asyncio set TCP_NODELAY: 1 ms per answer instead of 44.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def _log_to(file: Path) -> None:
    with room():
        handler = RotatingFileHandler(file, maxBytes=1 << 20, backupCount=2, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


if __name__ == "__main__":
    main()
