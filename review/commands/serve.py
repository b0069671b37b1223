"""`stemma lake serve`: run the embedded lake in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.text import Text

from lake import polling, settings
from lake.daemon import Endpoint
from lake.home import LakeHome
from lake.settings import ACCESS_KEY, SECRET_KEY
from pipelines.params import FILE
from review.cli.output import make_console, print_json, sentence
from review.errors import UsageError

ENDED: Final = (0, -signal.SIGINT, -signal.SIGTERM, 130, 143)
"""Exit codes of a server that was told to stop."""
STOP_TIMEOUT: Final = 15.0
"""Seconds to wait until a server that was started on demand has stopped."""


def run(*, home: Path | None, host: str, port: int, more: Sequence[str], as_json: bool) -> None:
    """Serve until interrupted, and print the address and the access key.

    Args:
        home: directory of the lake; None: that of the project in the current directory.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        more: further options of `python -m lake.server`.
        as_json: whether to print JSON.

    Raises:
        UsageError: no lake is named, and the current directory holds no project.
    """
    lake = LakeHome((home or _project_lake()).absolute())
    _take_over(lake)
    command = [sys.executable, "-P", "-m", "lake.server", "--home", str(lake.path), "--host", host]
    command += ["--port", str(port), "--idle", "0", *more]
    process = subprocess.Popen(command)  # noqa: S603
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        endpoint = _announced(lake, process)
        if endpoint is not None:
            _tell(lake, endpoint, as_json=as_json)
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        code = process.wait()
    if code not in ENDED:
        sys.exit(code)  # the server has printed the reason


def _project_lake() -> Path:
    """The embedded lake of the project in this directory."""
    if not Path(FILE).is_file():
        raise UsageError(f"there is no {FILE} here; name a lake with --home")
    local = {name: value for name, value in os.environ.items() if not name.startswith("LAKECTL_")}
    lake_settings = settings.resolve(Path.cwd(), {**local, "LAKECTL_CONFIG_FILE": os.devnull})
    if not isinstance(lake_settings, settings.Embedded):
        raise UsageError("this project has no embedded lake; name one with --home")
    return lake_settings.home


def _take_over(lake: LakeHome) -> None:
    """Stop a server that was started on demand; its clients find the one that follows."""
    serving = lake.serving()
    if serving is None or not serving.idle:
        return  # the pid of a dead server may belong to another process by now
    with suppress(ProcessLookupError):
        os.kill(serving.pid, signal.SIGTERM)
        polling.until(lambda: _has_ended(serving.pid), interval=0.05, timeout=STOP_TIMEOUT)


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _announced(lake: LakeHome, process: subprocess.Popen[bytes]) -> Endpoint | None:
    """Wait until the server announces its address; None if it ended first and printed why."""

    def own() -> Endpoint | None:
        endpoint = lake.endpoint()
        return endpoint if endpoint is not None and endpoint.pid == process.pid else None

    polling.until(lambda: process.poll() is not None or own(), interval=0.02)
    return own() if process.poll() is None else None


def _tell(lake: LakeHome, endpoint: Endpoint, *, as_json: bool) -> None:
    """Print what clients need, all at once: who waits for the output never sees a part of it."""
    given = os.environ.get(ACCESS_KEY) if os.environ.get(SECRET_KEY) else None
    facts = {
        "home": str(lake.path),
        "endpoint": endpoint.url,
        "access_key_id": given or lake.credentials().access_key_id,
        "credentials_file": None if given else str(lake.path / "credentials.json"),
    }
    if as_json:
        print_json(facts)
    else:
        where = f"in {facts['credentials_file']}" if not given else "as in the server's environment"
        lines = (
            f"lake of {facts['home']} at {facts['endpoint']}; clients set",
            f"  LAKECTL_SERVER_ENDPOINT_URL={facts['endpoint']}",
            f"  LAKECTL_CREDENTIALS_ACCESS_KEY_ID={facts['access_key_id']}",
            f"  {SECRET_KEY}=({where})",
        )
        make_console().print(Text("\n").join(map(sentence, lines)), soft_wrap=True)
    sys.stdout.flush()
