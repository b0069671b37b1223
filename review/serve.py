"""`stemma lake serve`: run the embedded lake in the foreground."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lake.home import LakeHome
from lake.settings import ACCESS_KEY
from review.errors import ReviewError
from review.output import console, print_json


def run(*, home: Path, host: str, port: int, as_json: bool) -> None:
    """Serve until interrupted; say where, and which variables a client needs."""
    home.mkdir(parents=True, exist_ok=True)
    lake = LakeHome(home.absolute())
    facts = {
        "home": str(lake.path),
        "endpoint": f"http://{host}:{port}",
        "access_key_id": os.environ.get(ACCESS_KEY) or lake.credentials().access_key_id,
        "credentials_file": str(lake.path / "credentials.json"),
    }
    if as_json:
        print_json(facts)
    else:
        console().print(
            f"lake of {facts['home']} at {facts['endpoint']}; clients set\n"
            f"  LAKECTL_SERVER_ENDPOINT_URL={facts['endpoint']}\n"
            f"  LAKECTL_CREDENTIALS_ACCESS_KEY_ID={facts['access_key_id']}\n"
            f"  LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY=(in {facts['credentials_file']})",
            soft_wrap=True,
        )
    sys.stdout.flush()
    command = [sys.executable, "-m", "lake.server", "--home", str(lake.path), "--host", host]
    done = subprocess.run([*command, "--port", str(port), "--idle", "0"], check=False)  # noqa: S603
    if done.returncode not in (0, -2, 130):
        raise ReviewError(f"the lake stopped with exit code {done.returncode}")
