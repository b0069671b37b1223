"""`stemma lake serve`: run the embedded lake in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from lake import settings
from lake.daemon import Endpoint
from lake.home import LakeHome
from lake.settings import ACCESS_KEY, SECRET_KEY
from pipelines.params import FILE
from review.cli.output import console, print_json, sentence
from review.errors import UsageError

ENDED: Final = (0, -signal.SIGINT, -signal.SIGTERM, 130, 143)
"""Exit codes of a server that was asked to end."""
PATIENCE: Final = 15.0
"""Seconds to wait for a server that was started on demand to make room."""


def run(*, home: Path | None, host: str, port: int, more: Sequence[str], as_json: bool) -> None:
    """Serve until interrupted, with more options of the server; say where and with which keys.

    Raises:
        UsageError: no lake is named, and this is no project's directory.
    """
    lake = LakeHome((home or _project_lake()).absolute())
    _take_over(lake)
    command = [sys.executable, "-P", "-m", "lake.server", "--home", str(lake.path), "--host", host]
    command += ["--port", str(port), "--idle", "0", *more]
    process = subprocess.Popen(command)  # noqa: S603
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        place = _announced(lake, process)
        if place is not None:
            _tell(lake, place, as_json=as_json)
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        code = process.wait()
    if code not in ENDED:
        sys.exit(code)  # the server has said why


def _project_lake() -> Path:
    """The embedded lake of the project in this directory."""
    if not Path(FILE).is_file():
        raise UsageError(f"there is no {FILE} here; name a lake with --home")
    local = {name: value for name, value in os.environ.items() if not name.startswith("LAKECTL_")}
    where = settings.resolve(Path.cwd(), {**local, "LAKECTL_CONFIG_FILE": os.devnull})
    if not isinstance(where, settings.Embedded):
        raise UsageError("this project has no embedded lake; name one with --home")
    return where.home


def _take_over(lake: LakeHome) -> None:
    """End a server that was started on demand: its clients find the one that follows."""
    found = lake.serving()
    if found is None or not found.idle:
        return  # the pid that a dead server left may be anybody's
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            os.kill(found.pid, 0)
            time.sleep(0.05)


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
        said = (
            f"lake of {facts['home']} at {facts['endpoint']}; clients set",
            f"  LAKECTL_SERVER_ENDPOINT_URL={facts['endpoint']}",
            f"  LAKECTL_CREDENTIALS_ACCESS_KEY_ID={facts['access_key_id']}",
            f"  {SECRET_KEY}=({where})",
        )
        out = console()
        for each in said:
            out.print(sentence(each), soft_wrap=True)
    sys.stdout.flush()
