"""Start the embedded lake on demand and say where it listens.

The server is a process of its own (`python -m lake.server`), detached from the one that needed
it, so that an interrupted stage does not take the lake down. One process serves a lake: when two
stages start it at once, the loser of the lock exits and both use the winner. Keys are sent to the
process that holds its announcement, and to nobody who listens where a dead one did.
"""

from __future__ import annotations

import base64
import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lake.errors import FullError, UnreachableError
from lake.home import Credentials, LakeHome
from lake.settings import Remote

IDLE_SECONDS = 300
START_SECONDS = 30.0
_LOCK_HELD = 75
_RETRY_SECONDS = 0.5


def serve_on_demand(
    home: Path, *, idle: int = IDLE_SECONDS, patience: float = START_SECONDS
) -> Remote:
    """Return endpoint and credentials of the lake in `home`, starting its server if needed.

    Args:
        home: the lake's directory.
        idle: seconds without a request after which a server started here ends itself.
        patience: seconds to wait for it to answer.

    Raises:
        UnreachableError: the server did not come up; the message holds what it said.
        FullError: the directory cannot be written.
    """
    lake = LakeHome(home.absolute())
    try:
        keys = lake.credentials()
    except OSError as error:
        raise FullError(f"the lake in {home} cannot be written: {error.strerror}") from error
    return _served(lake, keys) or _start(lake, keys, idle=idle, patience=patience)


def answers(remote: Remote, *, timeout: float = 2.0) -> bool:
    """Tell whether a lakeFS API at this endpoint accepts these credentials."""
    token = base64.b64encode(f"{remote.access_key_id}:{remote.secret_access_key}".encode()).decode()
    try:
        where = urlsplit(remote.endpoint)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)
        with closing(connection):
            connection.request("GET", "/api/v1/config", headers={"Authorization": f"Basic {token}"})
            return connection.getresponse().status == http.client.OK
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _served(lake: LakeHome, keys: Credentials) -> Remote | None:
    """The living server of a lake, where it accepts these keys; a dead one's address gets none."""
    found = lake.serving()
    if found is None:
        return None
    remote = Remote(found.url, keys.access_key_id, keys.secret_access_key)
    return remote if answers(remote) else None


def _start(lake: LakeHome, keys: Credentials, *, idle: int, patience: float) -> Remote:
    if not os.access(lake.path, os.W_OK):
        raise FullError(f"the lake in {lake.path} cannot be written: it is read-only, or not yours")
    deadline = time.monotonic() + patience
    said = f"no answer within {patience:g} s"
    while time.monotonic() < deadline:
        with _spawned(lake.path, idle) as process:
            remote = _answering(lake, keys, process, deadline)
            if remote is not None:
                return remote
            if process.poll() is None:
                process.terminate()  # nobody waits for it any more
                break
            said = _last_words(process)
        if process.returncode != _LOCK_HELD:
            break
        time.sleep(_RETRY_SECONDS)  # the holder may be about to answer, or about to end
    raise UnreachableError(f"the embedded lake in {lake.path} did not start: {said}")


def _answering(
    lake: LakeHome, keys: Credentials, process: subprocess.Popen[bytes], deadline: float
) -> Remote | None:
    """Wait until the announced server answers; None when the process ended or time is up."""
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        remote = _served(lake, keys)
        if remote is not None or ended:
            return remote
        time.sleep(0.05)
    return None


@contextmanager
def _spawned(home: Path, idle: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the server detached, without the caller's lakeFS variables, and listen to it meanwhile.

    It speaks through a pipe, which needs no room on a disk that may be the trouble.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("LAKECTL_")}
    package_root = str(Path(__file__).resolve().parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, env.get("PYTHONPATH")]))
    try:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "lake.server", "--home", str(home), "--idle", str(idle)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env,
            cwd=home,
            start_new_session=True,
        )
    except OSError as error:
        raise UnreachableError(f"the embedded lake cannot be started: {error.strerror}") from error
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
    return lines[-1].removeprefix("lake: ") if lines else f"exit code {process.returncode}"
