"""lakefs-spec's own test suite, from its source distribution, against `python -m lake.server`.

Its tests are written for a server on port 8000 with lakeFS's quickstart keys and a scratch home.
The source distribution is fetched by pip each time and never kept.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from lake.home import Credentials
from tests.lake.servers import start
from tests.needs import CLIENTS

PORT = 8000
QUICKSTART = Credentials("AKIAIOSFOLQUICKSTART", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def fetched(place: Path) -> Path:
    """The unpacked source distribution of the release that is installed."""
    wanted = f"lakefs-spec=={version('lakefs-spec')}"
    options = ["--quiet", "--no-deps", "--no-binary", "lakefs-spec", "--dest", str(place)]
    fetch = [sys.executable, "-m", "pip", "download", *options, wanted]
    said = subprocess.run(fetch, capture_output=True, text=True, timeout=240, check=False)
    found = list(place.glob("lakefs_spec-*.tar.gz"))
    if not found:
        CLIENTS.stop(f"pip cannot fetch the source distribution of {wanted}: {said.stderr[-300:]}")
    with tarfile.open(found[0]) as archive:
        safe: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.11.4
        archive.extractall(place, **safe)  # noqa: S202  a release of the index, as pip gives it
    return place / found[0].name.removesuffix(".tar.gz")


def port_is_free() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return False
    return True


def scratch(home: Path) -> dict[str, str]:
    """The environment of the suite: a home of its own, nothing of ours on the path."""
    ours = ("LAKECTL_", "PYTEST_", "PYTHONPATH", "STEMMA_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "HOME": str(home)}


@pytest.mark.foreign
def test_its_own_suite_passes_whole(tmp_path: Path) -> None:
    suite = fetched(tmp_path)
    if not port_is_free():
        CLIENTS.stop(f"port {PORT} is taken: its tests need it, so end what listens there")
    home = tmp_path / "home"
    home.mkdir()
    more = ["--port", str(PORT), "--sample-repo"]
    served = start(home / "lake", more=more, keys=QUICKSTART)
    try:
        said = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
            cwd=suite,
            env=scratch(home),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    finally:
        served.stop()
    assert said.returncode == 0, said.stdout[-6000:]
    passed = re.search(r"(\d+) passed", said.stdout)
    assert passed, said.stdout[-2000:]
    assert int(passed[1]) >= 119
    assert not re.search(r"\d+ (failed|error|skipped|xfailed)", said.stdout), said.stdout[-2000:]
