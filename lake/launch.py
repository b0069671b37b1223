"""Start the embedded lake on demand and say where it listens.

The server is a process of its own (`python -m lake.server`), detached from the one that needed
it, so that an interrupted stage does not take the lake down. One process serves a lake: when two
stages start it at once, the loser of the lock exits and both use the winner.
"""

from __future__ import annotations

import base64
import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from lake.errors import Full, Unreachable
from lake.home import LakeHome
from lake.settings import Remote

IDLE_SECONDS = 300
START_SECONDS = 30.0
_LOCK_HELD = 75


def serve_on_demand(home: Path, *, idle: int = IDLE_SECONDS) -> Remote:
    """Return endpoint and credentials of the lake in `home`, starting its server if needed.

    Raises:
        Unreachable: the server did not come up; the message holds what it said.
        Full: the directory cannot be written.
    """
    lake = LakeHome(home)
    try:
        keys = lake.credentials()
    except OSError as error:
        raise Full(f"the lake in {home} cannot be written: {error.strerror}") from error
    found = lake.endpoint()
    if found is not None:
        remote = Remote(found.url, keys.access_key_id, keys.secret_access_key)
        if answers(remote):
            return remote
    return _start(lake, idle=idle)


def answers(remote: Remote, *, timeout: float = 5.0) -> bool:
    """Tell whether a lakeFS API at this endpoint accepts these credentials."""
    where = urlsplit(remote.endpoint)
    token = base64.b64encode(f"{remote.access_key_id}:{remote.secret_access_key}".encode()).decode()
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)
    try:
        connection.request("GET", "/api/v1/config", headers={"Authorization": f"Basic {token}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(lake: LakeHome, *, idle: int) -> Remote:
    keys = lake.credentials()
    process = _spawn(lake.path, idle)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = lake.endpoint()
        if found is not None:
            remote = Remote(found.url, keys.access_key_id, keys.secret_access_key)
            if answers(remote):
                return remote
        if process.poll() not in (None, _LOCK_HELD):
            break
        time.sleep(0.05)
    said = _last_words(process)
    raise Unreachable(f"the embedded lake in {lake.path} did not start: {said}")


def _spawn(home: Path, idle: int) -> subprocess.Popen[bytes]:
    """Start the server detached, without the caller's lakeFS variables."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LAKECTL_")}
    package_root = str(Path(__file__).resolve().parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, env.get("PYTHONPATH")]))
    words = home / "start.log"
    with words.open("wb") as said:
        return subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "lake.server", "--home", str(home), "--idle", str(idle)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=env,
            cwd=home,
            start_new_session=True,
        )


def _last_words(process: subprocess.Popen[bytes]) -> str:
    """What the server printed before it ended, in one line."""
    home = Path(str(process.args[4])) if isinstance(process.args, list) else Path()
    try:
        text = (home / "start.log").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        text = ""
    return text.splitlines()[-1] if text else f"no answer within {START_SECONDS:.0f} s"
