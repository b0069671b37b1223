"""Backups of a lake: taken beside writers, added to, refused, interrupted, and put back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from lake import keys
from lake.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    FullError,
    InvalidError,
    NotFoundError,
)
from lake.home import LakeHome
from lake.keys import Role
from lake.server.catalog import high_water
from lake.server.maintenance import backup, backup_place, fsck
from review.commands import backup as command
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.servers import Served


def content(home: Path) -> dict[str, bytes]:
    """The object files of a lake."""
    return {
        str(path.relative_to(home / "objects")): path.read_bytes()
        for path in (home / "objects").rglob("*")
        if path.is_file()
    }


def test_a_backup_is_put_back_as_the_lake_that_it_was(local: InProcessLake, tmp_path: Path) -> None:
    local.write("a", b"committed")
    head = local.commit()
    local.write("b", b"staged")
    taken = backup.take(local.home, tmp_path / "backup")
    assert (taken.objects, taken.copied, taken.commits) == (2, 2, 2)
    home = LakeHome(tmp_path / "again")
    assert backup.restore(tmp_path / "backup", home).objects == 2
    assert content(home.path) == content(local.home.path)
    assert fsck.check(home).problems == ()
    assert home.identity() == local.home.identity()
    assert home.credentials() == local.home.credentials()
    restored = InProcessLake.opened(home.path)
    assert restored.lake.versions.head(REPO, "main").id == head
    assert restored.lake.objects.stat(REPO, "main", "b").size == len(b"staged")


def test_a_backup_is_added_to_and_gives_up_what_the_lake_gave_up(
    local: InProcessLake, tmp_path: Path
) -> None:
    local.write("a", b"first")
    local.commit()
    _, gone = local.abandon("side", b"abandoned")
    backup.take(local.home, tmp_path / "backup")
    local.write("b", b"second")
    local.commit()
    local.collect()
    again = backup.take(local.home, tmp_path / "backup")
    assert (again.objects, again.copied, again.copied_bytes, again.removed) == (2, 1, 6, 1)
    assert not (tmp_path / "backup/objects" / gone[:2] / gone[2:]).exists()
    assert fsck.check(LakeHome(tmp_path / "backup")).problems == ()


def test_a_backup_is_for_its_owner_only(local: InProcessLake, tmp_path: Path) -> None:
    local.write("a", b"a")
    backup.take(local.home, tmp_path / "backup")
    for path in (tmp_path / "backup", *(tmp_path / "backup").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077 or path.parent.parent.name == "objects"
    assert stat.S_IMODE((tmp_path / "backup/credentials.json").stat().st_mode) == 0o600


def test_what_is_written_before_its_mark_is_in_a_backup_that_is_taken_under_load(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home")
    done, written = threading.Event(), []
    with served.http() as api:
        api.post(
            "/repositories", json={"name": "busy", "storage_namespace": "local://busy"}
        ).raise_for_status()

        def write() -> None:
            while not done.is_set():
                put_and_commit(api, len(written))
                written.append(len(written))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                while len(written) < 3:
                    pass
                before = len(written)
                backup.take(LakeHome(tmp_path / "home"), tmp_path / "backup")
        finally:
            done.set()
            writer.join()
    home = LakeHome(tmp_path / "again")
    backup.restore(tmp_path / "backup", home)
    restored = InProcessLake.opened(home.path).lake
    head = restored.versions.head("busy", "main")
    paths = {path for path, _ in restored.versions.tree(head).items("")}
    assert paths >= {str(number) for number in range(before)}
    assert restored.objects.stat("busy", "main", "0").size == 1


def put_and_commit(api: httpx.Client, number: int) -> None:
    where = "/repositories/busy/branches/main"
    api.post(
        f"{where}/objects", params={"path": str(number)}, content=str(number).encode()
    ).raise_for_status()
    api.post(f"{where}/commits", json={"message": str(number)}).raise_for_status()


def test_an_interrupted_backup_is_the_one_before_it(
    local: InProcessLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.write("a", b"a")
    first = local.commit()
    backup.take(local.home, tmp_path / "backup")
    local.write("b", b"b")
    local.commit()

    def full(_file: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(backup, "flush_file", full)
        with pytest.raises(Exception, match="cannot be written"):
            backup.take(local.home, tmp_path / "backup")
    home = LakeHome(tmp_path / "again")
    backup.restore(tmp_path / "backup", home)
    assert InProcessLake.opened(home.path).lake.versions.head(REPO, "main").id == first
    assert not list((tmp_path / "backup").rglob(".*"))


def test_a_damaged_object_ends_no_backup_in_silence(local: InProcessLake, tmp_path: Path) -> None:
    sha256 = local.write("a", b"sound")
    local.commit()
    path = local.lake.store.path(sha256)
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(CorruptError, match="is damaged"):
        backup.take(local.home, tmp_path / "backup")
    path.unlink()
    with pytest.raises(CorruptError, match="is missing"):
        backup.take(local.home, tmp_path / "backup")


def test_a_damaged_backup_is_not_put_back(local: InProcessLake, tmp_path: Path) -> None:
    sha256 = local.write("a", b"sound")
    local.commit()
    backup.take(local.home, tmp_path / "backup")
    path = tmp_path / "backup/objects" / sha256[:2] / sha256[2:]
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(CorruptError, match="1 things are wrong in the backup"):
        backup.restore(tmp_path / "backup", LakeHome(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_places_that_cannot_be_meant_are_refused(local: InProcessLake, tmp_path: Path) -> None:
    nothing, other = tmp_path / "nothing", tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidError, match="holds something else"):
        backup.take(local.home, other)
    with pytest.raises(InvalidError, match="lies in the lake itself"):
        backup.take(local.home, local.home.path / "backup")
    with pytest.raises(NotFoundError, match="there is no lake"):
        backup.take(LakeHome(nothing), other)
    with pytest.raises(NotFoundError, match="there is no backup"):
        backup.restore(nothing, LakeHome(tmp_path / "again"))
    backup.take(local.home, tmp_path / "backup")
    with pytest.raises(ConflictError, match="there is a lake in"):
        backup.restore(tmp_path / "backup", local.home)
    second = InProcessLake(tmp_path / "second")
    with pytest.raises(InvalidError, match="the backup of another lake"):
        backup.take(second.home, tmp_path / "backup")
    home = LakeHome(tmp_path / "again")
    with home.held("the test"), pytest.raises(BusyError):
        backup.restore(tmp_path / "backup", home)
    assert (other / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_another_lake_is_no_place_for_a_backup(local: InProcessLake, tmp_path: Path) -> None:
    local.write("a", b"a")
    local.commit()
    backup.take(local.home, tmp_path / "backup")
    copy = LakeHome(tmp_path / "copy")
    backup.restore(tmp_path / "backup", copy)
    kept = InProcessLake.opened(copy.path).write("b", b"only here")
    with pytest.raises(InvalidError, match="a lake that was served, and no backup"):
        backup.take(local.home, copy.path)
    copy.catalog.unlink()  # what is left of a lake are its objects
    for name in ("identity.json", "lock"):
        (copy.path / name).unlink(missing_ok=True)
        with pytest.raises(InvalidError):
            backup.take(local.home, copy.path)
    assert (copy.objects / kept[:2] / kept[2:]).read_bytes() == b"only here"
    (tmp_path / "file").touch()
    with pytest.raises(InvalidError, match="is no directory"):
        backup.take(local.home, tmp_path / "file")
    (tmp_path / "link").mkdir()
    (tmp_path / "link/objects").symlink_to(local.home.objects)
    with pytest.raises(InvalidError, match="lies in the lake itself"):
        backup.take(local.home, tmp_path / "link")


def test_a_lake_that_has_lost_changes_takes_the_place_of_no_backup(
    local: InProcessLake, tmp_path: Path
) -> None:
    local.write("a", b"a")
    local.commit()
    backup.take(local.home, tmp_path / "early")
    sha256 = local.write("b", b"b")
    local.commit()
    backup.take(local.home, tmp_path / "backup")
    seen = high_water.changes(local.lake.catalog.database)
    lost = LakeHome(tmp_path / "lost")
    backup.restore(tmp_path / "early", lost)
    high_water.write(lost.catalog, seen)
    with pytest.raises(CorruptError, match="lacks 2 changes that it has seen"):
        backup.take(lost, tmp_path / "backup")
    high_water.path(lost.catalog).unlink()
    with pytest.raises(InvalidError, match="has seen 2 changes more than this lake"):
        backup.take(lost, tmp_path / "backup")
    assert (tmp_path / "backup/objects" / sha256[:2] / sha256[2:]).exists()
    assert fsck.check(LakeHome(tmp_path / "backup")).problems == ()


def test_a_copy_with_its_log_is_put_back_with_what_is_in_the_log(
    local: InProcessLake, tmp_path: Path
) -> None:
    local.write("a", b"a")
    head = local.commit()
    shutil.copytree(local.home.path, tmp_path / "copy")
    assert (tmp_path / "copy/catalog.db-wal").stat().st_size > 0
    home = LakeHome(tmp_path / "again")
    assert backup.restore(tmp_path / "copy", home).commits == 2
    assert InProcessLake.opened(home.path).lake.versions.head(REPO, "main").id == head


def test_a_damaged_object_of_the_lost_lake_is_not_taken_for_a_sound_one(
    local: InProcessLake, tmp_path: Path
) -> None:
    sha256 = local.write("a", b"sound")
    local.commit()
    backup.take(local.home, tmp_path / "backup")
    home = LakeHome(tmp_path / "again")
    (home.objects / sha256[:2]).mkdir(parents=True)
    (home.objects / sha256[:2] / sha256[2:]).write_bytes(b"spoil")
    assert backup.restore(tmp_path / "backup", home).copied == 1
    assert fsck.check(home).problems == ()


def test_what_a_killed_copy_leaves_is_no_lake_and_goes_with_the_next(
    local: InProcessLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = local.write("a", b"sound")
    local.commit()
    left = tmp_path / "backup/objects" / sha256[:2] / f".{sha256[2:]}.7.0123abcd"
    left.parent.mkdir(parents=True)
    (tmp_path / "backup/identity.json").write_bytes(
        (local.home.path / "identity.json").read_bytes()
    )
    for path in (left, tmp_path / "backup/.catalog.db.7.0123abcd-journal"):
        path.write_bytes(b"so")
    backup.take(local.home, tmp_path / "backup")
    assert not list((tmp_path / "backup").rglob(".*"))
    home = LakeHome(tmp_path / "again")
    with monkeypatch.context() as patched:
        patched.setattr(backup, "flush_directory", lambda _path: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            backup.restore(tmp_path / "backup", home)
    with pytest.raises(CorruptError, match=r"catalog.db is gone, and 3 changes with it"):
        InProcessLake.opened(home.path)
    assert backup.restore(tmp_path / "backup", home).commits == 2
    assert InProcessLake.opened(home.path).is_sound()


def test_a_read_only_snapshot_is_checked_copied_and_put_back(
    local: InProcessLake, tmp_path: Path, disk: Path
) -> None:
    local.write("a", b"a")
    local.commit()
    backup.take(local.home, tmp_path / "backup")
    backup.restore(tmp_path / "backup", LakeHome(disk / "lake"))
    with closing(sqlite3.connect(disk / "lake/catalog.db")) as served_before:
        served_before.execute("PRAGMA journal_mode = WAL")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert fsck.check(LakeHome(disk / "lake")).problems == ()
    shutil.rmtree(tmp_path / "backup")
    assert backup.take(LakeHome(disk / "lake"), tmp_path / "backup").commits == 2
    assert backup.restore(disk / "lake", LakeHome(tmp_path / "again")).commits == 2


def test_a_log_on_a_read_only_disk_is_named(local: InProcessLake, disk: Path) -> None:
    local.write("a", b"a")
    shutil.copytree(local.home.path, disk / "lake")
    (disk / "lake/catalog.db-shm").unlink()
    assert (disk / "lake/catalog.db-wal").stat().st_size
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(FullError, match=r"catalog\.db has a log .* lies on a read-only disk"):
        fsck.check(LakeHome(disk / "lake"))


def test_one_process_writes_a_backup_at_once(local: InProcessLake, tmp_path: Path) -> None:
    backup.take(local.home, tmp_path / "backup")
    with (
        backup_place.alone(LakeHome(tmp_path / "backup")),
        pytest.raises(BusyError, match="another process writes the backup"),
    ):
        backup.take(local.home, tmp_path / "backup")


def test_the_commands_say_what_was_copied(
    local: InProcessLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local.write("a", b"abc")
    local.commit()
    command.run(target=tmp_path / "backup", home=local.home.path, as_json=False)
    said = capsys.readouterr().out
    assert "holds 2 commits, 1 branches and tags, and 1 objects (3 bytes): 1 (3 bytes)" in said
    command.put_back(source=tmp_path / "backup", home=tmp_path / "again", as_json=True)
    assert json.loads(capsys.readouterr().out)["copied"] == 1


def test_keys_are_in_a_backup(local: InProcessLake, tmp_path: Path) -> None:
    key = keys.add(local.home.path, "ada", Role.WRITER)
    backup.take(local.home, tmp_path / "backup")
    backup.restore(tmp_path / "backup", LakeHome(tmp_path / "again"))
    assert keys.read(tmp_path / "again") == (key,)
    assert keys.path(tmp_path / "again").stat().st_mode & 0o777 == 0o600
    keys.path(local.home.path).unlink()  # which revokes all keys
    backup.take(local.home, tmp_path / "backup")
    backup.restore(tmp_path / "backup", LakeHome(tmp_path / "later"))
    assert keys.read(tmp_path / "later") == ()
