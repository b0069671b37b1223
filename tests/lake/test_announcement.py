"""An announcement counts only while the process that wrote it lives: keys go to nobody else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lake import garbage_collection
from lake.client import connect
from lake.daemon import Endpoint
from lake.home import LakeHome
from lake.launch import serve_on_demand
from lake.settings import ACCESS_KEY, SECRET_KEY, Embedded
from review.commands import serve as serving
from tests.lake.servers import Served, nobody
from tests.listeners import listener

Serve = Callable[..., Served]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose server, if one was started, ends with the test."""
    folder = tmp_path / "home"
    yield folder
    endpoint = LakeHome(folder).serving()
    if endpoint is not None:
        os.kill(endpoint.pid, signal.SIGTERM)


def test_whoever_listens_where_a_dead_server_did_gets_no_key(serve: Serve, home: Path) -> None:
    dead = serve(home)
    dead.kill()
    stale = LakeHome(home).endpoint()
    assert stale is not None
    assert LakeHome(home).serving() is None
    with listener(dead.remote.endpoint) as heard:
        remote = serve_on_demand(home, idle=60)
        assert remote.endpoint != dead.remote.endpoint
        assert (heard.connections, heard.received) == (0, b"")


def test_a_client_whose_server_ended_sends_its_key_to_the_next_server_only(
    serve: Serve, home: Path
) -> None:
    dead = serve(home)
    lake = connect(Embedded(home), "longer")
    lake.ensure("local://longer")
    head = lake.head("main")
    dead.kill()
    with listener(dead.remote.endpoint) as heard:
        assert lake.head("main") == head
        assert lake.endpoint != dead.remote.endpoint
        assert (heard.connections, heard.received) == (0, b"")


def test_keys_of_the_environment_are_for_a_living_server_too(
    serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = serve(home)
    dead.kill()
    monkeypatch.setenv(ACCESS_KEY, "AKIAOFTHEENVIRONMENT")
    monkeypatch.setenv(SECRET_KEY, "secret-of-the-environment")
    with listener(dead.remote.endpoint) as heard:
        assert garbage_collection.collect(home, keep=0, dry_run=True)
        assert heard.received == b""


def test_no_other_process_is_ended_because_it_has_the_number_of_a_dead_server(home: Path) -> None:
    LakeHome(home).identity()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        content = {"url": nobody(), "pid": innocent.pid, "idle": 300, "home": str(home)}
        (home / "endpoint.json").write_text(json.dumps(content), encoding="utf-8")
        serving._take_over(LakeHome(home))
        assert innocent.poll() is None
        innocent.communicate(b"\n")
        assert innocent.returncode == 0


def test_a_server_on_demand_makes_room_for_one_by_hand(home: Path) -> None:
    serve_on_demand(home, idle=60)
    endpoint = LakeHome(home).serving()
    assert endpoint is not None
    serving._take_over(LakeHome(home))
    assert LakeHome(home).serving() is None


def test_an_announcement_is_withdrawn_by_its_own_process_only(tmp_path: Path) -> None:
    home = LakeHome(tmp_path)
    assert home.endpoint() is None
    first = home.announce(Endpoint("http://127.0.0.1:1", 1))
    second = home.announce(Endpoint("http://127.0.0.1:2", 2))
    first.withdraw()
    assert home.endpoint() == Endpoint("http://127.0.0.1:2", 2)
    second.withdraw()
    assert home.endpoint() is None
    second.withdraw()
    assert list(tmp_path.iterdir()) == []


def test_an_announcement_holds_as_long_as_it_is_open(tmp_path: Path) -> None:
    home = LakeHome(tmp_path)
    first = home.announce(Endpoint("http://127.0.0.1:1", 1))
    assert home.serving() == Endpoint("http://127.0.0.1:1", 1)
    shutil.copy(tmp_path / "endpoint.json", tmp_path / "copied.json")
    second = home.announce(Endpoint("http://127.0.0.1:2", 2))
    first.withdraw()
    assert home.serving() == Endpoint("http://127.0.0.1:2", 2)
    (tmp_path / "copied.json").replace(tmp_path / "endpoint.json")
    assert home.endpoint() == Endpoint("http://127.0.0.1:1", 1)
    assert home.serving() is None
    second.withdraw()
    assert home.endpoint() is not None


def test_a_server_that_ends_withdraws_before_it_stops_listening(serve: Serve, home: Path) -> None:
    served = serve(home)
    address = urlsplit(served.remote.endpoint)
    served.process.terminate()
    while served.process.poll() is None:
        before = LakeHome(home).serving()
        listens = True
        try:
            socket.create_connection((address.hostname, address.port), timeout=5).close()
        except OSError:
            listens = False
        assert listens or before is None or LakeHome(home).serving() is None
