"""A real lake for what is compared in one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from lake.client import Lake, connect
from lake.settings import Embedded
from tests.lake.servers import Served, start

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("lake") / "home")
    yield served
    served.stop()


@pytest.fixture
def lake(server: Served) -> Lake:
    """A new repository, whose bytes are scanned in place."""
    name = f"diff-{next(NUMBERS)}"
    lake = connect(Embedded(server.home), name)
    lake.ensure(f"local://{name}")
    return lake
