"""Serve an embedded lake: `python -m lake.server --home DIR`.

One process serves a lake; it holds the lock of its directory. It writes down where it listens, ends
itself after an idle time, and needs no repair after a crash: a change is one SQLite transaction,
and objects are on disk before anything refers to them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import uvicorn

from lake import private
from lake.daemon import Endpoint
from lake.errors import ConflictError, CorruptError, InvalidError, LakeError
from lake.exit_codes import ExitCode
from lake.home import Credentials, LakeHome
from lake.logs import Formatter
from lake.refs import MAIN
from lake.server import sample_data
from lake.server.actions.addresses import AllowedAddresses
from lake.server.actions.service import ActionService
from lake.server.actions.webhook import Caller
from lake.server.catalog import high_water
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.high_water import Keeper
from lake.server.catalog.imports import ImportService
from lake.server.catalog.object_service import ObjectService
from lake.server.catalog.protection import RepositorySettings
from lake.server.catalog.versions import Versions
from lake.server.http.app_state import AppState
from lake.server.http.handlers.repositories import add_samples
from lake.server.http.idle_monitor import IdleMonitor
from lake.server.http.key_ring import KeyRing
from lake.server.http.slow_clients import TIMEOUT_SECONDS, protocol
from lake.server.http.tokens import Signer
from lake.server.maintenance import purge
from lake.server.s3.app import build
from lake.server.storage.disk import disk_errors_translated
from lake.server.storage.objects import ObjectStore
from lake.server.storage.reading import SCHEME
from lake.settings import ACCESS_KEY, SECRET_KEY
from lake.visible import visible

CHECK_SECONDS: Final = 1.0
SELDOM: Final = (20_000, 10, 10)
"""How many new objects Python looks for garbage among; after every 700, as is usual, this takes a
third of the time of a large listing."""
_LOG: Final = logging.getLogger("lake.server")


@dataclass(frozen=True, slots=True)
class Options:
    """How a lake is served; `idle` and `timeout` in seconds, an idle time of 0 means forever."""

    host: str = "127.0.0.1"
    port: int = 0
    idle: int = 0
    timeout: float = TIMEOUT_SECONDS
    import_from: tuple[Path, ...] = ()
    sample_repo: bool = False
    hook_addresses: tuple[str, ...] = ()
    user: str = ""
    """Name of who holds the key pair, for commits; its access key id where none is given."""


def main() -> None:
    """Parse the command line and serve until stopped or idle."""
    parser = argparse.ArgumentParser(prog="python -m lake.server", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".lake"), help="directory of the lake")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument(
        "--idle", type=int, default=0, help="end after this many seconds without a request"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=TIMEOUT_SECONDS,
        dest="timeout",
        help="seconds within which request headers must arrive",
    )
    parser.add_argument("--sample-repo", action="store_true", help="make a repository to try out")
    parser.add_argument(
        "--import-from", type=Path, action="append", default=[], help="directory to import from"
    )
    parser.add_argument(
        "--hook-address", action="append", default=[], help="beginning of URLs that hooks may call"
    )
    parser.add_argument("--user", default="", help="name in commits, in place of the access key id")
    args = parser.parse_args()
    os.umask(private.OTHERS)
    options = Options(
        args.host,
        args.port,
        args.idle,
        args.timeout,
        tuple(args.import_from),
        args.sample_repo,
        tuple(args.hook_address),
        args.user,
    )
    try:
        serve(LakeHome(args.home.absolute()), options)
    except LakeError as error:
        sys.stderr.write(f"lake: {visible(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.stderr.write(f"lake: {visible(args.host)}:{args.port}: {error.strerror}\n")
        sys.exit(ExitCode.FAILED)


def serve(home: LakeHome, options: Options) -> None:
    """Serve a lake in this process.

    Raises:
        BusyError: another process serves it.
        FullError: its directory cannot be written.
        OSError: the address cannot be listened on.
    """
    with ExitStack() as lock:
        with disk_errors_translated():
            lock.enter_context(home.held(f"the lake in {home.path}"))
            home.identity()
            keys = _keys(home)
        _serve(home, keys, options)


def _serve(home: LakeHome, keys: Credentials, options: Options) -> None:
    """Serve a lake whose lock this process holds, until stopped or idle."""
    _log_to(home.log)
    listener = _listen(options.host, options.port)
    url = f"http://{options.host}:{listener.getsockname()[1]}"
    app = open_lake(home, keys, options.import_from, options.user, options.hook_addresses)
    if options.sample_repo:
        _make_samples(app)
    monitor = IdleMonitor(build(app))
    gc.freeze()  # what is there by now stays
    gc.set_threshold(*SELDOM)
    config = uvicorn.Config(
        monitor,
        http=protocol(options.timeout),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
    server = _Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again when it is done
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    with disk_errors_translated():
        announcement = home.announce(Endpoint(url, os.getpid(), options.idle))
    server.withdraw, server.stop_hooks = announcement.withdraw, app.actions.runner.stop
    keeper = Keeper(home.catalog, app.catalog.database)
    try:
        idle_seconds = partial(monitor.idle_seconds, app)
        asyncio.run(_run(server, listener, idle_seconds, options.idle, keeper))
    finally:
        app.actions.runner.wait()
        keeper.keep()
        announcement.withdraw()


def open_lake(
    home: LakeHome,
    keys: Credentials | None = None,
    import_from: Sequence[Path] = (),
    user: str = "",
    hook_addresses: Sequence[str] = (),
) -> AppState:
    """Open catalog and object store of a lake, with its generated key pair where none is given.

    Raises:
        InvalidError: the beginning of a URL that hooks may call is none.
    """
    try:
        caller = Caller(AllowedAddresses.of(hook_addresses), os.environ)
    except ValueError as error:
        raise InvalidError(str(error)) from None
    keys = keys or home.credentials()
    database = high_water.opened(home.catalog)
    store = ObjectStore(home, database.tombstones.purged_by)
    purge.finish(database, store)
    catalog = Catalog(database)
    versions = Versions(catalog)
    settings = RepositorySettings(catalog)
    actions = ActionService(catalog.database, store, caller)
    created = datetime.fromisoformat(home.identity().created)
    return AppState(
        store=store,
        catalog=catalog,
        versions=versions,
        objects=ObjectService(catalog, versions, store),
        settings=settings,
        imports=ImportService(store, versions, settings, import_from, actions.committed),
        actions=actions,
        signer=Signer(keys.secret_access_key),
        keys=KeyRing(home.path, keys, user),
        created=int(created.timestamp()),
    )


class _Server(uvicorn.Server):
    """Withdraws its announcement before its port is free for another process."""

    withdraw: Callable[[], None]
    stop_hooks: Callable[[], None]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Withdraw the announcement and end all hooks, then end as uvicorn does."""
        self.withdraw()
        self.stop_hooks()
        await super().shutdown(sockets)


async def _run(
    server: uvicorn.Server,
    listener: socket.socket,
    idle_seconds: Callable[[], float],
    idle: int,
    keeper: Keeper,
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not serving.done():
            await asyncio.wait([serving], timeout=CHECK_SECONDS)
            await asyncio.to_thread(keeper.keep)
            if idle and idle_seconds() > idle:
                server.should_exit = True
    except CorruptError as error:
        _LOG.error("%s", error)
        raise
    finally:
        server.should_exit = True
        await serving


def _make_samples(app: AppState) -> None:
    """Make the sample repository where it is not there yet."""
    with suppress(ConflictError), app.catalog.database.change():
        app.versions.create_repository(
            sample_data.REPOSITORY,
            f"{SCHEME}{sample_data.REPOSITORY}",
            MAIN,
            app.keys.main.name,
            read_only=False,
        )
        add_samples(app, sample_data.REPOSITORY, MAIN, app.keys.main.name)


def _keys(home: LakeHome) -> Credentials:
    """The key pair of the environment where it is set, else the generated one."""
    access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    return Credentials(access, secret) if access and secret else home.credentials()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Naming the protocol is what makes asyncio set TCP_NODELAY: 1 ms a response instead of 44.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def _log_to(path: Path) -> None:
    with disk_errors_translated():
        handler = RotatingFileHandler(path, maxBytes=1 << 20, backupCount=2, delay=True)
    handler.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


if __name__ == "__main__":
    main()
