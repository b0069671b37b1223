"""What all servers that are started on demand share, whatever they serve."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lake.daemon import Daemon, DaemonHome, Endpoint, responds
from lake.errors import BusyError, FullError, UnreachableError
from lake.polling import until
from tests.lake.servers import nobody, stranger
from tests.listeners import listener


def daemon(home: Path, module: str) -> Daemon:
    return Daemon(
        name="the daemon",
        home=DaemonHome(home),
        module=module,
        is_ready=lambda _: False,
        inherits=lambda _: True,
        program="daemon",
    )


def test_a_lock_is_held_once_and_freed(tmp_path: Path) -> None:
    home = DaemonHome(tmp_path)
    announced = home.announce(Endpoint("http://127.0.0.1:1", 7))
    with (
        home.held("the lake"),
        pytest.raises(BusyError, match=r"process 7 at http://127.0.0.1:1 serves the lake already"),
        home.held("the lake"),
    ):
        pass
    announced.withdraw()
    with home.held("the lake"):
        assert home.lock.stat().st_mode & 0o777 == 0o600


def test_the_lock_of_an_earlier_release_is_the_same_lock(tmp_path: Path) -> None:
    home = DaemonHome(tmp_path)
    with home.lock.open("a+") as earlier:
        fcntl.flock(earlier, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(BusyError, match="another process serves the lake already"):
            home.held("the lake").__enter__()
    with home.held("the lake"), home.lock.open("a+") as earlier, pytest.raises(BlockingIOError):
        fcntl.flock(earlier, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_that_leads_elsewhere_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FullError, match="the lake cannot be locked"):
        DaemonHome(tmp_path / "home").held("the lake").__enter__()
    assert not (tmp_path / "elsewhere").exists()


def test_an_announcement_without_a_directory_or_idle_time_is_of_an_earlier_release(
    tmp_path: Path,
) -> None:
    content = {"url": "http://127.0.0.1:1", "pid": 7}
    (tmp_path / "endpoint.json").write_text(json.dumps(content), encoding="utf-8")
    assert DaemonHome(tmp_path).endpoint() == Endpoint("http://127.0.0.1:1", 7, 0)
    foreign = {**content, "home": str(tmp_path.parent)}
    (tmp_path / "endpoint.json").write_text(json.dumps(foreign), encoding="utf-8")
    assert DaemonHome(tmp_path).endpoint() is None


def test_a_process_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(
        UnreachableError, match=r"the daemon did not start: .*No module named no_such"
    ):
        daemon(tmp_path, "no_such_module").ensure(idle=1, timeout=20)


def test_a_server_that_never_is_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text(
        "import os, time, pathlib\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)\n",
        encoding="utf-8",
    )
    with pytest.raises(UnreachableError, match="the daemon did not start: no answer within 1 s"):
        daemon(tmp_path, "sleeper").ensure(idle=1, timeout=1)
    pid = int((tmp_path / "pid").read_text())
    assert until(lambda: not Path(f"/proc/{pid}").exists(), interval=0.02, timeout=10)


def test_a_key_takes_no_way_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as heard, stranger(200, b"{}") as url:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, heard.url)
        assert responds(url, "/", {"Authorization": "Bearer secret"}, timeout=5)
        assert (heard.connections, heard.received) == (0, b"")
    assert not responds(nobody(), "/", {}, timeout=5)
