"""The serving process: one per lake, gone when idle, and nothing lost when it is killed or full."""

from __future__ import annotations

import hashlib
import itertools
import os
import resource
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from lake.home import LakeHome
from lake.polling import until
from tests.lake.in_process import InProcessLake
from tests.lake.servers import ROOT, Served, command, environment, fill

Serve = Callable[..., Served]
REPO = "/repositories/crash"
BRANCH = f"{REPO}/branches/main"


def body(name: str) -> bytes:
    return hashlib.shake_128(name.encode()).digest(5000)


def make(api: httpx.Client) -> None:
    wanted = {"name": "crash", "storage_namespace": "local://crash"}
    api.post("/repositories", json=wanted).raise_for_status()


def upload(api: httpx.Client, path: str, data: bytes) -> httpx.Response:
    return api.post(f"{BRANCH}/objects", params={"path": path}, content=data)


def read(api: httpx.Client, path: str) -> bytes | None:
    answer = api.get(f"{REPO}/refs/main/objects", params={"path": path})
    return answer.content if answer.status_code == 200 else None


def assert_sound(home: Path) -> None:
    """The catalog is whole, and every stored object is what its name says."""
    with sqlite3.connect(LakeHome(home).catalog) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert catalog.execute("PRAGMA foreign_key_check").fetchall() == []
    catalog.close()
    for file in LakeHome(home).objects.glob("*/*"):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert file.parent.name + file.name == digest


def log(api: httpx.Client) -> set[str]:
    """Ids of all commits of the main branch."""
    found: set[str] = set()
    query = {"amount": "1000", "after": ""}
    while True:
        page = api.get(f"{REPO}/refs/main/commits", params=query).json()
        found |= {item["id"] for item in page["results"]}
        if not page["pagination"]["has_more"]:
            return found
        query["after"] = page["pagination"]["next_offset"]


def try_to_serve(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(home),
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        timeout=20,
        check=False,
    )


# One process


def test_a_second_process_is_refused_by_name(serve: Serve, tmp_path: Path) -> None:
    first = serve(tmp_path / "home")
    second = try_to_serve(first.home)
    assert second.returncode == 75
    assert str(first.process.pid) in second.stderr
    assert first.remote.endpoint in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    with first.http() as api:
        assert api.get("/repositories").status_code == 200


def test_it_ends_itself_when_idle_and_not_before(serve: Serve, tmp_path: Path) -> None:
    served = serve(tmp_path / "home", idle=2)
    with served.http() as api:
        for _ in range(5):
            time.sleep(0.5)
            assert api.get("/config").status_code == 200
    assert served.process.wait(10) == 0
    assert LakeHome(served.home).endpoint() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_withdraws(serve: Serve, tmp_path: Path, number: signal.Signals) -> None:
    served = serve(tmp_path / "home")
    served.process.send_signal(number)
    assert served.process.wait(10) == 0
    assert LakeHome(served.home).endpoint() is None
    said = (served.home.parent / "home.stderr").read_text(encoding="utf-8")
    assert said == ""
    serve(served.home)


def test_a_port_in_use_is_one_sentence(serve: Serve, tmp_path: Path) -> None:
    first = serve(tmp_path / "home")
    port = first.remote.endpoint.rpartition(":")[2]
    said = subprocess.run(
        [*command(tmp_path / "other"), "--port", port],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    assert said.returncode == 4
    assert port in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


# Killed


def write_until_gone(served: Served, writer: str, acknowledged: list[tuple[str, str]]) -> None:
    """Upload and commit until the server is gone, noting what it acknowledged."""
    with suppress(httpx.TransportError), served.http() as api:
        for number in itertools.count():
            path = f"{writer}/{number}"
            if upload(api, path, body(path)).status_code == 201:
                acknowledged.append(("object", path))
            if number % 3 == 0:
                wanted = {"message": path, "allow_empty": True}
                made = api.post(f"{BRANCH}/commits", json=wanted)
                if made.status_code == 201:
                    acknowledged.append(("commit", made.json()["id"]))


def test_what_was_acknowledged_survives_kill_9(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    acknowledged: list[tuple[str, str]] = []
    for life in range(3):
        served = serve(home)
        if life == 0:
            with served.http() as api:
                make(api)
        writers = [
            threading.Thread(target=write_until_gone, args=(served, f"w{life}{n}", acknowledged))
            for n in range(3)
        ]
        for writer in writers:
            writer.start()
        wanted = 8 * (life + 1)
        assert until(lambda: len(acknowledged) >= wanted, interval=0.01, timeout=60)  # noqa: B023
        served.kill()
        for writer in writers:
            writer.join(10)
    (LakeHome(home).staging / "upload-cut-short").write_bytes(b"part")
    with serve(home).http() as api:
        assert not list(LakeHome(home).staging.iterdir())
        logged = log(api)
        assert {name for kind, name in acknowledged if kind == "commit"} <= logged
        for name in (name for kind, name in acknowledged if kind == "object"):
            assert read(api, name) == body(name)
    assert_sound(home)


# Full and read-only


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def test_no_room_is_one_clear_error_and_the_lake_stays_whole(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    served = serve(home, prepare=small_files)
    kept = []
    with served.http() as api:
        make(api)
        upload(api, "before", body("before")).raise_for_status()
        answer = upload(api, "large", bytes(3 << 20))
        assert answer.status_code == 507
        assert "cannot be written" in answer.json()["message"]
        assert read(api, "large") is None
        for _ in range(400):  # until the catalog itself has no room
            wanted = {"message": "x" * 20_000, "allow_empty": True}
            made = api.post(f"{BRANCH}/commits", json=wanted)
            if made.status_code != 201:
                break
            kept.append(made.json()["id"])
        assert made.status_code == 507
        assert "cannot be written" in made.json()["message"]
        assert read(api, "before") == body("before")
    served.kill()
    assert not list(LakeHome(home).staging.iterdir())
    with serve(home).http() as api:
        assert read(api, "before") == body("before")
        head = api.get(BRANCH).json()["commit_id"]
        assert head == kept[-1]
        assert upload(api, "large", bytes(3 << 20)).status_code == 201
    assert_sound(home)


def test_a_full_disk_is_one_clear_error_and_room_mends_it(serve: Serve, disk: Path) -> None:
    with serve(disk / "home").http() as api:
        make(api)
        upload(api, "before", body("before")).raise_for_status()
        kept = []
        for number in range(60):
            answer = upload(api, f"fill/{number}", os.urandom(100_000))
            if answer.status_code == 201:
                kept.append(number)
        assert 0 < len(kept) < 60
        assert answer.status_code == 507
        assert "No space left" in answer.json()["message"]
        assert read(api, "before") == body("before")
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert upload(api, "after", body("after")).status_code == 201
        listed = api.get(f"{REPO}/refs/main/objects/ls?prefix=fill/").json()["results"]
        assert len(listed) == len(kept)
    assert_sound(disk / "home")


def test_a_disk_without_room_for_a_lake_is_one_sentence(disk: Path) -> None:
    fill(disk)
    said = try_to_serve(disk / "home")
    assert said.returncode == 4
    assert "Traceback" not in said.stderr
    assert "cannot be written" in said.stderr


def test_a_read_only_disk_is_one_sentence(serve: Serve, disk: Path) -> None:
    served = serve(disk / "home")
    with served.http() as api:
        make(api)
    served.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = try_to_serve(disk / "home")
    assert said.returncode == 4
    assert "Traceback" not in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
    assert "Read-only" in said.stderr or "cannot be written" in said.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_one_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    said = try_to_serve(home)
    assert said.returncode == 4
    assert "cannot be written" in said.stderr


def test_a_damaged_catalog_is_one_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    LakeHome(home).catalog.write_bytes(b"this is no database" * 1000)
    said = try_to_serve(home)
    assert said.returncode == 4
    assert "damaged" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_damaged_block_is_named_and_nothing_is_made_of_it(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    served = serve(home)
    with served.http() as api:
        make(api)
        upload(api, "a", b"1").raise_for_status()
        api.post(f"{BRANCH}/commits", json={"message": "m"}).raise_for_status()
    served.kill()
    with sqlite3.connect(LakeHome(home).catalog) as catalog:
        catalog.execute("UPDATE blocks SET data = CAST(replace(data, '\"a\"', '\"b\"') AS BLOB)")
    catalog.close()
    with serve(home).http() as api:
        for answer in (
            api.get(f"{REPO}/refs/main/objects/ls"),
            api.get(f"{REPO}/refs/main/objects", params={"path": "a"}),
        ):
            assert answer.status_code == 410
            assert "damaged" in answer.json()["message"]


def test_objects_may_lie_on_another_file_system(tmp_path: Path, disk: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "objects").symlink_to(disk)
    lake = InProcessLake(home)
    sha256 = lake.write("a", b"over there")
    assert lake.has_object(sha256)
    assert lake.is_sound()
    assert list((home / "staging").iterdir()) == []
