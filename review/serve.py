"""`stemma lake serve`: run the embedded lake in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lake.home import Endpoint, LakeHome
from lake.settings import ACCESS_KEY, SECRET_KEY
from review.errors import ReviewError
from review.output import console, print_json

ENDED: Final = (0, -signal.SIGINT, -signal.SIGTERM, 130, 143)
"""Exit codes of a server that was asked to end."""


def run(*, home: Path, host: str, port: int, more: Sequence[str], as_json: bool) -> None:
    """Serve until interrupted, with more options of the server; say where and with which keys."""
    lake = LakeHome(home.absolute())
    command = [sys.executable, "-m", "lake.server", "--home", str(lake.path), "--host", host]
    command += ["--port", str(port), "--idle", "0", *more]
    process = subprocess.Popen(command)  # noqa: S603
    try:
        place = _announced(lake, process)
        if place is not None:
            _tell(lake, place, as_json=as_json)
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        code = process.wait()
    if code not in ENDED:
        raise ReviewError(f"the lake in {lake.path} stopped with exit code {code}")


def _announced(lake: LakeHome, process: subprocess.Popen[bytes]) -> Endpoint | None:
    """Wait until the server says where it listens; None if it ended first, saying why."""
    while process.poll() is None:
        found = lake.endpoint()
        if found is not None and found.pid == process.pid:
            return found
        time.sleep(0.02)
    return None


def _tell(lake: LakeHome, place: Endpoint, *, as_json: bool) -> None:
    given = os.environ.get(ACCESS_KEY) if os.environ.get(SECRET_KEY) else None
    facts = {
        "home": str(lake.path),
        "endpoint": place.url,
        "access_key_id": given or lake.credentials().access_key_id,
        "credentials_file": None if given else str(lake.path / "credentials.json"),
    }
    if as_json:
        print_json(facts)
    else:
        where = f"in {facts['credentials_file']}" if not given else "as in the server's environment"
        console().print(
            f"lake of {facts['home']} at {facts['endpoint']}; clients set\n"
            f"  LAKECTL_SERVER_ENDPOINT_URL={facts['endpoint']}\n"
            f"  LAKECTL_CREDENTIALS_ACCESS_KEY_ID={facts['access_key_id']}\n"
            f"  {SECRET_KEY}=({where})",
            soft_wrap=True,
        )
    sys.stdout.flush()
