"""Start the local server on demand and say where it listens.

It is a process of its own (`python -m pipelines.llm.local_server`), detached from the one that
needed it, so that an interrupted stage does not take it down. One process serves a project: when
two stages start it at once, the loser of the lock ends and both use the winner. What a killed
server left behind does no harm: nobody holds its announcement, and nobody is sent a key where it
listened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.common.errors import ServiceError
from pipelines.llm.home import DIRECTORY, IDLE_SECONDS, LOCK_HELD, ServerHome
from pipelines.llm.settings import API_KEY, Access

START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 0.5
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is reached without the environment's proxies."""


def serve_on_demand(
    home: Path = DIRECTORY, *, idle: int = IDLE_SECONDS, patience: float = START_SECONDS
) -> Access:
    """Return address and key of the project's server, starting it if needed.

    Args:
        home: the server's directory.
        idle: seconds without a request after which a server started here ends itself.
        patience: seconds to wait for it to answer; the first start unpacks the model.

    Raises:
        ServiceError: it did not come up; the message holds what it said.
    """
    server = ServerHome(home.absolute())
    try:
        key = server.key()
    except OSError as error:
        raise ServiceError(f"{home} cannot be written: {error.strerror}") from error
    return _announced(server, key) or _start(server, key, idle=idle, patience=patience)


def answers(access: Access, *, timeout: float = 5.0) -> bool:
    """Tell whether a server at this address accepts this key."""
    asked = urllib.request.Request(  # noqa: S310  an address on loopback
        f"{access.base_url}/models", headers={"Authorization": f"Bearer {access.key}"}
    )
    try:
        with _DIRECT.open(asked, timeout=timeout) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004  OK
    except (OSError, ValueError, urllib.error.URLError):
        return False


def serves(access: Access, home: Path = DIRECTORY) -> bool:
    """Tell whether the project's server still listens where it was found: the process lives."""
    found = ServerHome(home.absolute()).serving()
    return found is not None and f"{found.url}/v1" == access.base_url


def _announced(server: ServerHome, key: str) -> Access | None:
    found = server.serving()
    if found is None:
        return None
    access = Access(f"{found.url}/v1", key)
    return access if answers(access) else None


def _start(server: ServerHome, key: str, *, idle: int, patience: float) -> Access:
    deadline = time.monotonic() + patience
    said = f"no answer within {patience:g} s"
    while time.monotonic() < deadline:
        with _spawned(server.path, idle) as process:
            access = _answering(server, key, process, deadline)
            if access is not None:
                return access
            if process.poll() is None:
                process.terminate()  # nobody waits for it any more
                break
            said = _last_words(process)
        if process.returncode != LOCK_HELD:
            break
        time.sleep(_RETRY_SECONDS)  # the holder may be about to answer, or about to end
    raise ServiceError(f"the local model's server did not start: {said}")


def _answering(
    server: ServerHome, key: str, process: subprocess.Popen[bytes], deadline: float
) -> Access | None:
    """Wait until the announced server answers; None when the process ended or time is up."""
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        access = _announced(server, key)
        if access is not None or ended:
            return access
        time.sleep(_POLL_SECONDS)
    return None


@contextmanager
def _spawned(home: Path, idle: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the server detached, without the key of any other service."""
    env = {name: value for name, value in os.environ.items() if name != API_KEY}
    package_root = str(Path(__file__).resolve().parents[2])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, env.get("PYTHONPATH")]))
    process = subprocess.Popen(  # noqa: S603  our own interpreter and module
        [
            sys.executable,
            "-m",
            "pipelines.llm.local_server",
            "--home",
            str(home),
            "--idle",
            str(idle),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=env,
        cwd=home,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # leave no zombie when it ends
    try:
        yield process
    finally:
        if process.stderr is not None:
            process.stderr.close()


def _last_words(process: subprocess.Popen[bytes]) -> str:
    """What an ended server printed last, in one line."""
    text = process.stderr.read() if process.stderr is not None else b""
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("local_llm: ") if lines else f"exit code {process.returncode}"
