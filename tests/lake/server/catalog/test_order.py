"""The order of things: history when the clock goes back, and bytes before what refers to them."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.server.catalog.commits import CommitMessage
from tests.lake.in_process import MESSAGE, REPO, InProcessLake


def test_history_keeps_its_order_when_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = itertools.count(1_700_000_000_000_000_000, -3_600_000_000_000)
    monkeypatch.setattr(time, "time_ns", lambda: next(now))
    monkeypatch.setattr(time, "time", lambda: next(now) / 1e9)
    lake = InProcessLake(tmp_path / "home")
    versions = lake.lake.versions
    made = []
    for number in range(5):
        lake.write("a", str(number).encode())
        made.append(lake.commit())
    lake.branch("side", "main~2")
    lake.write("b", b"b", "side")
    side = versions.resolve(REPO, lake.commit("side")).commit
    how: dict[str, Any] = {"strategy": "", "squash": False, "allow_empty": False}
    merged = versions.merge(REPO, side, "main", MESSAGE, **how)
    history = [item.id for item in versions.log(REPO, merged, first_parent=False)]
    assert history[0] == merged.id
    for item in (versions.commit(REPO, name) for name in history):
        assert all(history.index(item.id) < history.index(parent) for parent in item.parents)
    first = [item.id for item in versions.log(REPO, merged, first_parent=True)]
    assert first[1:-1] == made[::-1]
    assert versions.merge_base(REPO, side, versions.commit(REPO, made[-1])).id == made[2]
    assert lake.lake.objects.stat(REPO, "main", "a").sha256 == hashlib.sha256(b"4").hexdigest()
    assert lake.is_sound()


def test_commits_of_one_moment_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    lake = InProcessLake(tmp_path / "home")
    note, versions = CommitMessage("same", "t", {}), lake.lake.versions
    made = [versions.commit_staged(REPO, "main", note, allow_empty=True) for _ in range(5)]
    assert len({item.id for item in made}) == 5
    found = [item.id for item in versions.log(REPO, made[-1], first_parent=False)]
    assert found[:-1] == [item.id for item in reversed(made)]


def test_bytes_are_on_disk_before_anything_refers_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = InProcessLake(tmp_path / "home")
    done: list[str] = []
    flush = os.fsync

    def fsync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").resolve()
        done.append("bytes" if place.parent == lake.home.staging else f"names {place.name}")
        flush(handle)

    flush_data = os.fdatasync

    def fdatasync(handle: int) -> None:
        done.append(f"log {Path(f'/proc/self/fd/{handle}').resolve().name}")
        flush_data(handle)

    monkeypatch.setattr("os.fsync", fsync)
    monkeypatch.setattr("os.fdatasync", fdatasync)
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    trace: list[str] = []
    lake.lake.catalog.database.connection.set_trace_callback(trace.append)
    store = lake.lake.store
    stored = store.put(b"data")
    assert done == ["bytes", "names objects", "rename", f"names {stored.sha256[:2]}"]
    assert trace == []
    address = store.slot()
    Path(address.removeprefix("local://")).write_bytes(b"linked")
    done.clear()
    stored = store.link(address)
    assert done == ["bytes", "names objects", "rename", f"names {stored.sha256[:2]}"]
    db = lake.lake.catalog.database.connection
    done.clear()
    lake.branch("other")  # a change waits for the disk, and no flush of SQLite's own does that
    assert done == ["log catalog.db-wal"]
    assert db.execute("PRAGMA synchronous").fetchone() == (1,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_hard_reset_drops_what_made_no_difference_before_it(api: httpx.Client, repo: str) -> None:
    where = f"{repo}/branches/main"
    for _ in range(2):  # the second time it makes no difference
        api.post(f"{where}/objects", params={"path": "a"}, content=b"1").raise_for_status()
        api.post(f"{where}/commits", json={"message": "m"})
    assert api.put(f"{where}/hard_reset", params={"ref": "main~1"}).status_code == 204
    assert api.get(f"{where}/diff").json()["results"] == []
    assert api.get(f"{repo}/refs/main/objects", params={"path": "a"}).status_code == 404
