"""Fixtures: real lake servers on temporary homes, and clients of them.

A test that only reads and writes its own repository shares one server; a test that kills, fills or
locks a lake starts its own through `serve`.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import lakefs
import pytest

from lake.client import Lake, connect
from lake.settings import Embedded
from tests.lake.in_process import InProcessLake
from tests.lake.servers import Served, start

_NUMBERS = itertools.count(1)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start servers that end with the test."""
    running: list[Served] = []

    def serving(home: Path, **options: object) -> Served:
        running.append(start(home, **options))
        return running[-1]

    yield serving
    for served in running:
        if served.process.poll() is None:
            served.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that keep to their own repository."""
    served = start(tmp_path_factory.mktemp("lake") / "home", fresh=True)
    yield served
    served.stop()


@pytest.fixture(scope="session")
def api(server: Served) -> Iterator[httpx.Client]:
    """HTTP client of the shared server."""
    with server.http() as client:
        yield client


@pytest.fixture
def name() -> str:
    """A repository name of the test's own."""
    return f"repo-{next(_NUMBERS)}"


@pytest.fixture
def repo(api: httpx.Client, name: str) -> str:
    """API path of a new, empty repository."""
    answer = api.post("/repositories", json={"name": name, "storage_namespace": f"local://{name}"})
    assert answer.status_code == 201, answer.text
    return f"/repositories/{name}"


@pytest.fixture(scope="session")
def sdk(server: Served) -> lakefs.Client:
    """LakeFS's client of the shared server."""
    return server.client()


@pytest.fixture
def repository(sdk: lakefs.Client, repo: str) -> lakefs.Repository:
    """The new repository as lakeFS's client sees it."""
    return lakefs.Repository(repo.rpartition("/")[2], client=sdk)


@pytest.fixture(params=["embedded", "remote"])
def lake(request: pytest.FixtureRequest, server: Served, name: str) -> Lake:
    """Our client on a new repository, over both of its ways to move bytes."""
    where = Embedded(server.home) if request.param == "embedded" else server.remote
    found = connect(where, name)
    found.ensure(f"local://{name}")
    return found


@pytest.fixture
def local(tmp_path: Path) -> InProcessLake:
    return InProcessLake(tmp_path / "home")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
