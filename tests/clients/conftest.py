"""Fixtures: a lake that other people's clients are tried on, with the sample repository."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.lake.servers import Served, start


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the repository `quickstart`."""
    served = start(tmp_path_factory.mktemp("sampled") / "home", more=["--sample-repo"])
    yield served
    served.stop()


@pytest.fixture(scope="session")
def api(sampled: Served) -> Iterator[httpx.Client]:
    """HTTP client of that server."""
    with sampled.http() as client:
        yield client
