"""For all tests: the real local model, servers that begin fast, and what was not tested."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

import hypothesis  # noqa: F401  imported later, it would warn of what is frozen below
import pytest

from lake import daemon
from pipelines.llm.home import ServerHome
from pipelines.llm.launch import serve_on_demand
from pipelines.llm.settings import API_KEY, BASE_URL
from tests import command_lines, forked, needs, programs
from tests.served import LocalServer

command_lines.keep()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--lakefs` is read here because pytest reads options of this folder's files alone."""
    told = "ask the lakeFS server that LAKECTL_SERVER_ENDPOINT_URL and its keys name, not our own"
    parser.addoption("--lakefs", action="store_true", help=told)
    told = "import once what all tests import, and begin each worker as a fork of that process"
    parser.addoption("--forked-workers", action="store_true", help=told)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Begin workers as forks, with `--forked-workers`."""
    if config.getoption("forked_workers"):
        programs.fork_workers(config, specs)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage among what is imported, and stays; it is a tenth of what this costs.

    Of what the tests themselves cost it is a tenth, too, where it is looked for after every 700 new
    objects: their results are many small objects that refer to no other in a circle.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 10, 10)
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Say after everything else what this machine could not test, and how to get what it lacks."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    lines = list(needs.untested([str(report.longrepr[2]) for report in skipped]))
    if lines:
        terminalreporter.section("not tested on this machine", sep="-")
        terminalreporter.write("\n".join([*lines, ""]))


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """What a file of tests leaves open is warned of, and so fails, at its own end.

    Otherwise the test fails that happens to run when the garbage is collected. What is imported is
    frozen, so there is little to look through.
    """
    yield
    gc.collect()


@pytest.fixture(scope="session", autouse=True)
def _forked_servers() -> Iterator[None]:
    """A lake's server that is started on demand begins as a fork."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemon, "subprocess", forked)
        yield


@pytest.fixture
def started_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake's server that is started on demand is a program, as it is for users."""
    monkeypatch.setattr(daemon, "subprocess", subprocess)


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """The real local model, started once for all tests; it ends itself when nobody asks."""
    home = ServerHome(tmp_path_factory.mktemp("llm") / "server")
    yield LocalServer(home, serve_on_demand(home.path, idle=3600))
    found = home.endpoint()
    if found is not None:
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)


@pytest.fixture
def local_model(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """The environment names the local server, as it would name any service."""
    monkeypatch.setenv(BASE_URL, local_server.access.base_url)
    monkeypatch.setenv(API_KEY, local_server.access.key)
    return local_server
