"""A lake that a thread of the test's process serves, for tests in which no server dies.

It is the real server, found, spoken to and locked as one in a process of its own; what is saved is
the start of an interpreter.
"""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from lake.daemon import Endpoint
from lake.home import LakeHome
from lake.polling import until
from lake.server.__main__ import TIMEOUT_SECONDS, _listen, _Server, build, open_lake, with_timeout

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Serving:
    server: uvicorn.Server
    thread: threading.Thread


_SERVED: dict[Path, _Serving] = {}
"""What this process serves, by directory."""


def serve(home: Path) -> None:
    """Serve a lake until `stop`; it answers when this returns."""
    ready: Future[uvicorn.Server] = Future()
    served = LakeHome(home.absolute())
    thread = threading.Thread(target=_serve, args=(served, ready), daemon=True)
    thread.start()
    _SERVED[home.absolute()] = _Serving(ready.result(STOP_SECONDS), thread)


def stop(home: Path) -> bool:
    """End the server of a lake; False where this process serves none there."""
    serving = _SERVED.pop(home.absolute(), None)
    if serving is None:
        return False
    serving.server.should_exit = True
    serving.thread.join(STOP_SECONDS)
    assert not serving.thread.is_alive()
    # Threads close their connections as they end, and the last one leaves the catalog in one file.
    if not _at_rest(home, 0.5):
        gc.collect()  # what went wrong in a request may hold a connection
    return True


def _at_rest(home: Path, timeout: float) -> bool:
    return until(lambda: not (home / "catalog.db-wal").exists(), interval=0.005, timeout=timeout)


def _serve(home: LakeHome, ready: Future[uvicorn.Server]) -> None:
    """Hold the lake's lock and serve, as `lake.server` does in a process of its own."""
    try:
        with home.held(f"the lake in {home.path}"), _listen("127.0.0.1", 0) as listener:
            server = _Server(_config(home))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            announced = home.announce(Endpoint(url, os.getpid()))
            server.withdraw = announced.withdraw
            ready.set_result(server)
            server.run(sockets=[listener])
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


def _config(home: LakeHome) -> uvicorn.Config:
    return uvicorn.Config(
        build(open_lake(home)),
        http=with_timeout(TIMEOUT_SECONDS),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
