"""The check of a lake: whatever is broken is named, with what refers to it; the rest is not."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from lake.errors import CorruptError, NotFoundError
from lake.home import LakeHome
from lake.server.catalog.database import Database
from lake.server.maintenance.fsck import Problem, check
from lake.server.maintenance.inventory import ItemRef
from tests.lake.servers import Served, environment

REPO = "/repositories/checked"
MAIN = f"{REPO}/branches/main"
DATA = b"the bytes" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def served(serve: Callable[..., Served], tmp_path: Path) -> Served:
    """A served lake: a branch with two commits and something staged, a tag on the first one."""
    found = serve(tmp_path / "home")
    with found.http() as api:
        wanted = {"name": "checked", "storage_namespace": "local://checked"}
        api.post("/repositories", json=wanted).raise_for_status()
        upload(api, "data/a", DATA)
        commit(api)
        api.post(f"{REPO}/tags", json={"id": "v1", "ref": "main"}).raise_for_status()
        upload(api, "data/b", b"2")
        commit(api)
        upload(api, "data/c", b"3")
    return found


@pytest.fixture
def home(served: Served) -> LakeHome:
    return LakeHome(served.home)


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    with served.http() as client:
        yield client


def upload(api: httpx.Client, path: str, data: bytes) -> None:
    api.post(f"{MAIN}/objects", params={"path": path}, content=data).raise_for_status()


def commit(api: httpx.Client) -> None:
    api.post(f"{MAIN}/commits", json={"message": "m"}).raise_for_status()


def stored(home: LakeHome, sha256: str = SHA) -> Path:
    return home.objects / sha256[:2] / sha256[2:]


def flip(file: Path, at: int = 0) -> None:
    """Turn one bit of a file."""
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


def spoil(home: LakeHome, *statements: str) -> None:
    """Change the catalog behind the server's back."""
    with closing(sqlite3.connect(home.catalog)) as catalog, catalog:
        for statement in statements:
            assert catalog.execute(statement).rowcount > 0


def problem(home: LakeHome) -> Problem:
    (found,) = check(home).problems
    return found


def test_a_sound_lake_is_counted(home: LakeHome, api: httpx.Client) -> None:
    upload(api, "data/c", b"over")
    report = check(home)
    assert report.problems == ()
    assert (report.objects, report.object_bytes) == (4, len(DATA) + 6)
    assert (report.commits, report.refs, report.staged) == (3, 2, 1)
    assert report.blocks == 2
    assert (report.unreferenced, report.unreferenced_bytes) == (1, 1)


@pytest.mark.parametrize("at", [0, len(DATA) // 2, len(DATA) - 1])
def test_a_flipped_bit_is_named_and_never_read(home: LakeHome, api: httpx.Client, at: int) -> None:
    where, query = f"{REPO}/refs/main/objects", {"path": "data/a"}
    part = {"Range": "bytes=10-19"}
    assert api.get(where, params=query, headers=part).content == DATA[10:20]
    flip(stored(home), at)
    for headers in ({}, part):
        answer = api.get(where, params=query, headers=headers)
        assert answer.status_code == 410
        assert SHA[2:] in answer.json()["message"]
    found = problem(home)
    assert found.item == ItemRef("object", SHA)
    assert found.wrong == "damaged"
    assert found.users == 4
    assert found.used_by[:2] == ("branch checked/main: data/a", "tag checked/v1: data/a")
    assert all(user.startswith("commit checked/") for user in found.used_by[2:])
    assert all(user.endswith(": data/a") for user in found.used_by)
    assert api.get(where, params={"path": "data/b"}).content == b"2"
    upload(api, "again", DATA)
    assert check(home).problems == ()
    assert api.get(where, params=query).content == DATA


@pytest.mark.parametrize("wrong", ["missing", "damaged"])
def test_an_object_that_is_gone_or_cut_is_named(home: LakeHome, wrong: str) -> None:
    file = stored(home, hashlib.sha256(b"3").hexdigest())
    file.unlink()
    if wrong == "damaged":
        file.write_bytes(b"")
    found = problem(home)
    assert (found.wrong, found.users) == (wrong, 1)
    assert found.used_by == ("staged on checked/main: data/c",)


def test_a_damaged_object_that_nobody_needs_is_named_too(home: LakeHome, api: httpx.Client) -> None:
    upload(api, "data/c", b"over")
    flip(stored(home, hashlib.sha256(b"3").hexdigest()))
    assert (problem(home).wrong, problem(home).used_by) == ("damaged", ())
    api.post("/_stemma/gc", json={"keep_seconds": 0}).raise_for_status()
    assert check(home).problems == ()


def test_an_object_collected_meanwhile_is_not_missing(home: LakeHome, api: httpx.Client) -> None:
    api.post(f"{REPO}/branches", json={"name": "side", "source": "main"}).raise_for_status()
    where = f"{REPO}/branches/side/objects"
    api.post(where, params={"path": "s"}, content=b"side").raise_for_status()

    def drop(_done: int, _total: int) -> None:
        api.delete(f"{REPO}/branches/side")
        api.post("/_stemma/gc", json={"keep_seconds": 0}).raise_for_status()

    assert check(home, drop).problems == ()


def test_a_damaged_block_is_named(home: LakeHome) -> None:
    spoil(home, "UPDATE blocks SET data = CAST(replace(data, 'data/b', 'data/x') AS BLOB)")
    found = problem(home)
    assert (found.item.kind, found.wrong) == ("block", "damaged")
    assert found.used_by[0] == "branch checked/main"
    assert found.users == 2


def test_a_missing_block_is_named(home: LakeHome) -> None:
    spoil(home, "DELETE FROM blocks WHERE instr(data, CAST('data/b' AS BLOB))")
    assert (problem(home).item.kind, problem(home).wrong) == ("block", "missing")


def test_a_block_is_mended_when_it_is_written_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db")
    block = hashlib.sha256(b"data").hexdigest()
    with database.change() as db:
        database.put(block, b"data")
        db.execute("UPDATE blocks SET data = X'00'")
        with pytest.raises(CorruptError):
            database.get(block)
        database.put(block, b"data")
    assert database.get(block) == b"data"


def test_a_commit_that_says_something_else_is_named(home: LakeHome) -> None:
    spoil(home, "UPDATE commits SET message = 'x' WHERE generation = 2")
    found = problem(home)
    assert (found.item.kind, found.wrong) == ("commit", "damaged")
    assert found.used_by[0] == "tag checked/v1"
    assert found.used_by[1].startswith("commit checked/")


def test_a_commit_that_is_no_commit_is_named(home: LakeHome) -> None:
    spoil(home, "UPDATE commits SET parents = 'x' WHERE generation = 3")
    found = check(home).problems[0]
    assert (found.item.kind, found.wrong) == ("commit", "damaged")
    assert found.used_by == ("branch checked/main",)


@pytest.mark.parametrize("generation", [1, 3])
def test_a_missing_commit_is_named(home: LakeHome, generation: int) -> None:
    spoil(home, f"DELETE FROM commits WHERE generation = {generation}")  # noqa: S608  1 or 3
    found = problem(home)
    assert (found.item.kind, found.wrong, found.users) == ("commit", "missing", 1)
    expected = "branch checked/main" if generation == 3 else "commit checked/"
    assert found.used_by[0].startswith(expected)


def test_a_staged_entry_that_cannot_be_read_is_named(home: LakeHome) -> None:
    spoil(home, "UPDATE staging SET entry = '[1'")
    assert (problem(home).item.kind, problem(home).item.name) == ("staged", "main:data/c")


def test_a_row_without_its_repository_is_named(home: LakeHome) -> None:
    spoil(home, "INSERT INTO slots VALUES ('local://x', 'nowhere', 'main', 'a', 1)")
    assert problem(home).item == ItemRef("catalog", "a row of slots has no repositories")


def test_many_users_are_counted_and_a_few_named(home: LakeHome, api: httpx.Client) -> None:
    for number in range(8):
        wanted = {"id": f"tag{number}", "ref": "main"}
        api.post(f"{REPO}/tags", json=wanted).raise_for_status()
    flip(stored(home))
    assert len(problem(home).used_by) == 5
    assert problem(home).users == 12


def test_it_changes_nothing_and_needs_no_server(home: LakeHome, served: Served) -> None:
    served.kill()
    before = {file: file.stat().st_mtime_ns for file in home.path.rglob("*.db")}
    assert check(home).problems == ()
    assert {file: file.stat().st_mtime_ns for file in home.path.rglob("*.db")} == before


def test_a_lake_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no lake"):
        check(LakeHome(tmp_path))
    LakeHome(tmp_path).catalog.write_bytes(b"this is no database" * 1000)
    with pytest.raises(CorruptError, match="damaged"):
        check(LakeHome(tmp_path))


def stemma(home: LakeHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "review.cli.app",
            "lake",
            "fsck",
            "--home",
            str(home.path),
            *arguments,
        ],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_the_command_names_it_and_fails(home: LakeHome) -> None:
    said = stemma(home)
    assert (said.returncode, said.stderr) == (0, "")
    assert "checked 3 objects" in said.stdout
    flip(stored(home))
    said = stemma(home)
    assert said.returncode == 1
    assert f"object {SHA} is damaged\n  branch checked/main: data/a\n" in said.stdout
    assert len(said.stderr.splitlines()) == 1
    said = stemma(home, "--json")
    assert said.returncode == 1
    (found,) = json.loads(said.stdout)["problems"]
    assert (found["kind"], found["name"], found["users"]) == ("object", SHA, 4)
