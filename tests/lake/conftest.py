"""Fixtures: real lake servers on temporary homes, and clients of them.

A test that only reads and writes its own repository shares one server; a test that kills, fills or
locks a lake starts its own through `serve`. With `--lakefs` the shared one is the server that
lakeFS's variables name, and only tests run that hold on any lakeFS.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import lakefs
import pytest

from lake import settings
from lake.client import Lake, connect
from lake.settings import Embedded, Remote
from tests.lake.in_process import InProcessLake
from tests.lake.receiver import Receiver, receiving
from tests.lake.servers import Served, api_client, sdk_client, start

_NUMBERS = itertools.count(1)
_OURS = {"disk", "local", "serve", "server"}
RECEIVER = "STEMMA_HOOK_RECEIVER"
"""Variable with the URL by which the named server reaches a receiver of hooks on this machine."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--lakefs`, leave out what needs our own server or differs from lakeFS on purpose."""
    if not config.getoption("lakefs"):
        return
    left_out = [item for item in items if not _holds_anywhere(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _holds_anywhere(item: pytest.Item) -> bool:
    if item.get_closest_marker("contract") is None or item.get_closest_marker("embedded"):
        return False
    callspec = getattr(item, "callspec", None)
    embedded = callspec is not None and callspec.params.get("lake") == "embedded"
    fixtures = set(getattr(item, "fixturenames", ()))
    reached = "receiver" not in fixtures or os.environ.get(RECEIVER)
    return not embedded and not _OURS & fixtures and bool(reached)


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
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """A receiver of webhooks, which the shared server may call."""
    named = os.environ.get(RECEIVER, "") if request.config.getoption("lakefs") else ""
    with receiving(named) as running:
        yield running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    """One server for all tests that keep to their own repository."""
    allowed = ["--hook-address", receiver.url]
    served = start(tmp_path_factory.mktemp("lake") / "home", fresh=True, more=allowed)
    yield served
    served.stop()


@pytest.fixture(scope="session")
def remote(request: pytest.FixtureRequest) -> Remote:
    """Where the shared server answers: our own, or with `--lakefs` the one that is named."""
    if not request.config.getoption("lakefs"):
        served: Served = request.getfixturevalue("server")
        return served.remote
    named = settings.resolve(Path.cwd())
    if not isinstance(named, Remote):
        pytest.exit(f"--lakefs needs a server: set {settings.ENDPOINT} and its keys", returncode=4)
    return named


@pytest.fixture(scope="session")
def api(remote: Remote) -> Iterator[httpx.Client]:
    """HTTP client of the shared server."""
    with api_client(remote) as client:
        yield client


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A repository name of the test's own; on another's server the repository goes with it."""
    if not request.config.getoption("lakefs"):
        yield f"repo-{next(_NUMBERS)}"
        return
    name = f"stemma-test-{uuid.uuid4().hex[:12]}"
    api: httpx.Client = request.getfixturevalue("api")
    yield name
    api.delete(f"/repositories/{name}", params={"force": "true"})


@pytest.fixture
def namespace(remote: Remote, name: str) -> str:
    """Where the test's repository keeps its objects."""
    return f"{remote.namespace or 'local:/'}/{name}"


@pytest.fixture
def repo(api: httpx.Client, name: str, namespace: str) -> str:
    """API path of a new, empty repository."""
    answer = api.post("/repositories", json={"name": name, "storage_namespace": namespace})
    assert answer.status_code == 201, answer.text
    return f"/repositories/{name}"


@pytest.fixture(scope="session")
def sdk(remote: Remote) -> lakefs.Client:
    """LakeFS's client of the shared server."""
    return sdk_client(remote)


@pytest.fixture
def repository(sdk: lakefs.Client, repo: str) -> lakefs.Repository:
    """The new repository as lakeFS's client sees it."""
    return lakefs.Repository(repo.rpartition("/")[2], client=sdk)


@pytest.fixture(params=["embedded", "remote"])
def lake(request: pytest.FixtureRequest, remote: Remote, name: str, namespace: str) -> Lake:
    """Our client on a new repository, over both of its ways to move bytes."""
    where: Embedded | Remote = remote
    if request.param == "embedded":
        where = Embedded(request.getfixturevalue("server").home)
    found = connect(where, name)
    found.ensure(namespace)
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
