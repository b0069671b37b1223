"""Starting the embedded lake on demand: once, whoever asks, and whatever was left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lake.daemon import Endpoint
from lake.errors import CorruptError, FullError, LakeError, UnreachableError
from lake.home import LakeHome
from lake.launch import answers, serve_on_demand
from lake.settings import Remote
from tests.lake.servers import ROOT, Served, environment, fill, nobody, stranger

pytestmark = pytest.mark.usefixtures("started_servers")

ASK = (
    "import pathlib, sys; from lake.launch import serve_on_demand; "
    "print(serve_on_demand(pathlib.Path(sys.argv[1]), idle=60).endpoint)"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose server, if one was started, ends with the test."""
    folder = tmp_path / "home"
    yield folder
    endpoint = LakeHome(folder).endpoint()
    if endpoint is not None and Path(f"/proc/{endpoint.pid}").exists():
        os.kill(endpoint.pid, signal.SIGCONT)
        os.kill(endpoint.pid, signal.SIGTERM)


def test_many_that_ask_at_once_share_one_server(home: Path) -> None:
    env = environment({"LAKECTL_SERVER_ENDPOINT_URL": nobody()})
    env |= {"LAKECTL_CREDENTIALS_ACCESS_KEY_ID": "a", "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "b"}
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(home)], stdout=subprocess.PIPE, env=env, cwd=ROOT
        )
        for _ in range(3)
    ]
    printed = {process.communicate(timeout=60)[0] for process in asking}
    endpoint = LakeHome(home).endpoint()
    assert endpoint is not None
    assert printed == {f"{endpoint.url}\n".encode()}
    remote = serve_on_demand(home)
    assert answers(remote)
    assert remote.endpoint == endpoint.url


def test_the_server_outlives_who_started_it(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", ASK, str(home)],
        check=True,
        env=environment(),
        cwd=ROOT,
        capture_output=True,
    )
    first = LakeHome(home).endpoint()
    assert first is not None
    assert serve_on_demand(home).endpoint == first.url
    assert os.getpgid(first.pid) != os.getpgid(0)


def test_a_stale_announcement_is_passed_over(home: Path) -> None:
    lake = LakeHome(home)
    lake.identity()
    stale = lake.announce(Endpoint(nobody(), 1 << 22))
    remote = serve_on_demand(home, idle=60)
    assert answers(remote)
    endpoint = lake.endpoint()
    assert endpoint is not None
    assert (endpoint.url, endpoint.idle) == (remote.endpoint, 60)
    stale.withdraw()
    assert lake.serving() == endpoint


def test_another_program_on_the_announced_port_is_not_the_lake(home: Path) -> None:
    with stranger(404, b"") as url:
        lake = LakeHome(home)
        lake.identity()
        held = lake.announce(Endpoint(url, os.getpid()))
        remote = serve_on_demand(home, idle=60)
        held.withdraw()
        assert remote.endpoint != url
        assert answers(remote)


@pytest.mark.slow
def test_a_server_that_hangs_is_an_error_in_time(home: Path) -> None:
    serve_on_demand(home, idle=60)
    endpoint = LakeHome(home).endpoint()
    assert endpoint is not None
    os.kill(endpoint.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=str(endpoint.pid)):
        serve_on_demand(home, timeout=0.5)
    assert time.monotonic() - began < 15
    os.kill(endpoint.pid, signal.SIGCONT)
    assert serve_on_demand(home).endpoint == endpoint.url


def test_a_socket_that_never_answers_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}", "a", "b")
        assert not answers(remote, timeout=0.2)
    for url in ("not a url", "http://127.0.0.1:99999", "http://[", ""):
        assert not answers(Remote(url, "a", "b"))


def test_wrong_keys_do_not_answer(server: Served) -> None:
    assert answers(server.remote)
    assert not answers(Remote(server.remote.endpoint, "a", "b"))


def test_a_lake_that_was_wiped_under_its_server_is_a_new_lake(
    serve: Callable[..., Served], home: Path
) -> None:
    old = serve(home)
    identity = LakeHome(home).identity()
    shutil.rmtree(home)
    remote = serve_on_demand(home, idle=60)
    assert remote.endpoint != old.remote.endpoint
    assert answers(remote)
    assert LakeHome(home).identity() != identity
    old.stop()
    assert serve_on_demand(home).endpoint == remote.endpoint


def test_a_lake_that_cannot_start_says_why(home: Path) -> None:
    lake = LakeHome(home)
    lake.identity()
    lake.catalog.write_bytes(b"this is no database" * 1000)
    with pytest.raises(UnreachableError, match="damaged"):
        serve_on_demand(home)


def test_damaged_credentials_are_named(home: Path) -> None:
    home.mkdir()
    (home / "credentials.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorruptError, match=r"credentials\.json"):
        serve_on_demand(home)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(FullError, match="cannot be written"):
        serve_on_demand(tmp_path / "file" / "home")


def test_a_lake_on_a_disk_that_became_full_says_so(disk: Path) -> None:
    lake = LakeHome(disk / "home")
    lake.identity()
    lake.credentials()
    fill(disk)
    with pytest.raises(LakeError, match=r"cannot be written: .*(full|No space)"):
        serve_on_demand(lake.path)


def test_a_lake_that_became_read_only_says_so(disk: Path) -> None:
    lake = LakeHome(disk / "home")
    lake.identity()
    lake.credentials()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(FullError, match="cannot be written"):
        serve_on_demand(lake.path)


def test_keys_that_find_no_room_leave_nothing_behind(disk: Path) -> None:
    home = disk / "home"
    home.mkdir()
    fill(disk)
    with pytest.raises(FullError, match="No space"):
        serve_on_demand(home)
    assert not list(home.iterdir())
