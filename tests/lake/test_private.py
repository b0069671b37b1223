"""What an embedded lake writes is its owner's alone, whatever the umask is, and however it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lake import private
from lake.client import connect
from lake.home import LakeHome
from lake.launch import serve_on_demand
from lake.settings import Embedded
from tests.lake.servers import Served

Serve = Callable[..., Served]
OBJECT = 0o444
"""An object's own mode, inside of directories that nobody else may enter."""


@pytest.fixture
def careless() -> Iterator[None]:
    """A umask that leaves everything to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """What is in a directory and may be used by others, but for objects."""
    everything = [folder, *folder.rglob("*")]
    all_modes = {
        path.relative_to(folder.parent): stat.S_IMODE(path.lstat().st_mode) for path in everything
    }
    return {
        str(name): oct(mode)
        for name, mode in all_modes.items()
        if mode & 0o077 and not (name.parts[1:2] == ("objects",) and mode == OBJECT)
    }


@pytest.mark.usefixtures("careless")
def test_everything_in_a_home_is_its_owners(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    served = serve(home)
    lake = connect(Embedded(home), "open")
    lake.ensure("local://open")
    lake.write_bytes("main", "one", b"1")
    lake.write_many("main", {"two": b"2", "three": b"3"})
    with served.http() as api:
        below = "/repositories/open/branches/main/objects"
        api.post(below, params={"path": "four"}, content=b"4").raise_for_status()
        held = api.get("/repositories/open/branches/main/staging/backing", params={"path": "five"})
        staged = Path(held.json()["physical_address"].removeprefix("local://"))
    private.create(staged, "left")
    lake.commit("main", "m", {})
    names = {path.name for path in home.iterdir()}
    assert names >= {"catalog.db", "catalog.db-wal", "catalog.db-shm", "lock", "endpoint.json"}
    assert modes(home) == {}
    assert stat.S_IMODE((home / "objects").stat().st_mode) == 0o700


@pytest.mark.usefixtures("careless")
def test_a_server_started_on_demand_is_as_careful(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    serve(home).stop()
    (home / "catalog.db-wal").unlink(missing_ok=True)
    serve_on_demand(home, idle=1)
    assert modes(home) == {}


def test_what_an_earlier_release_left_open_is_closed(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    served = serve(home)
    with served.http() as api:
        api.post("/repositories", json={"name": "old", "storage_namespace": "local://old"})
    served.kill()
    (home / "server.log").write_text("what went wrong\n", encoding="utf-8")
    (home / "server.log.1").write_text("what went wrong before\n", encoding="utf-8")
    assert (home / "catalog.db-wal").exists()
    for path in home.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    home.chmod(0o777)
    serve(home)
    assert modes(home) == {}


def test_what_cannot_be_closed_is_left_as_it_is(tmp_path: Path) -> None:
    private.close(tmp_path / "nothing")
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (tmp_path / "link").symlink_to(outside)
    private.close_files(tmp_path)
    (tmp_path / "narrow").mkdir(mode=0o500)
    private.close(tmp_path / "narrow")
    assert stat.S_IMODE((tmp_path / "narrow").stat().st_mode) == 0o500
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600


def test_the_identity_and_the_announcement_are_private_too(tmp_path: Path) -> None:
    home = LakeHome(tmp_path / "home")
    home.identity()
    home.credentials()
    assert modes(home.path) == {}
