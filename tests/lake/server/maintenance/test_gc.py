"""Garbage collection: it frees what nothing leads to, and never what somebody still needs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lake.errors import CorruptError, FullError, NotFoundError
from lake.server.catalog.conditions import ALWAYS
from lake.server.http import part_uploads
from lake.server.maintenance import gc
from lake.server.maintenance.gc import Freed
from lake.server.storage.reading import SCHEME
from tests.lake.in_process import REPO, InProcessLake


def test_what_nothing_leads_to_goes(local: InProcessLake) -> None:
    kept = local.write("a", b"kept")
    local.commit()
    over = local.write("b", b"staged over")
    staged = local.write("b", b"staged")
    commit, gone = local.abandon("gone", b"gone")
    freed = local.collect()
    assert [local.has_object(name) for name in (kept, over, staged, gone)] == [
        True,
        False,
        True,
        False,
    ]
    assert (freed.objects, freed.object_bytes) == (2, len(b"staged over") + len(b"gone"))
    assert freed.commits == 1
    assert freed.blocks > 0
    with pytest.raises(NotFoundError):
        local.lake.versions.commit(REPO, commit)
    assert local.is_sound()
    assert local.collect() == Freed(0, 0, 0, 0, 0, 0)


def test_the_history_of_branches_and_tags_stays(local: InProcessLake) -> None:
    old = local.write("a", b"old")
    first = local.commit()
    local.write("a", b"new")
    local.commit()
    local.branch("side", "main~1")
    tagged = local.write("a", b"tagged", "side")
    local.lake.catalog.refs.create("tags", REPO, "v1", local.commit("side"))
    local.lake.catalog.refs.delete("branches", REPO, "side")
    assert local.collect() == Freed(0, 0, 0, 0, 0, 0)
    assert local.has_object(old)
    assert local.has_object(tagged)
    assert local.lake.objects.stat(REPO, first, "a").sha256 == old
    assert local.lake.objects.stat(REPO, "v1", "a").sha256 == tagged


def test_what_a_branch_or_tag_left_stays_for_a_while(local: InProcessLake) -> None:
    local.write("a", b"1")
    local.commit()
    local.write("a", b"2")
    reset, other = local.commit(), local.write("a", b"3")
    local.lake.catalog.refs.create("tags", REPO, "v", local.commit())
    local.lake.catalog.refs.move_branch(
        REPO, "main", local.lake.versions.resolve(REPO, "v~2").commit.id
    )
    local.lake.catalog.refs.delete("tags", REPO, "v")
    deleted, gone = local.abandon("gone", b"gone")
    freed = local.collect(keep=3600)
    assert (freed.objects, freed.commits, freed.spared) == (0, 0, 3)
    assert local.has_object(gone)
    assert local.has_object(other)
    age(local, 3601)
    assert local.collect(keep=3600, also=[deleted]).commits == 2
    with pytest.raises(NotFoundError):
        local.lake.versions.commit(REPO, reset)
    assert local.has_object(gone)
    assert local.collect(keep=3600).commits == 1
    assert not local.has_object(gone)
    assert local.is_sound()


def age(local: InProcessLake, seconds: int) -> None:
    with local.lake.catalog.database.change() as db:
        db.execute("UPDATE reflog SET left_at = left_at - ?", (seconds,))


def test_a_clock_that_went_back_frees_nothing_early(local: InProcessLake) -> None:
    _, gone = local.abandon("gone", b"gone")
    age(local, -86_400)
    assert local.collect(keep=3600).objects == 0
    assert local.has_object(gone)


def test_committing_leaves_nothing_behind(local: InProcessLake) -> None:
    for number in range(3):
        local.write("a", str(number).encode())
        local.commit()
    db = local.lake.catalog.database.connection
    assert db.execute("SELECT count(*) FROM reflog").fetchone() == (0,)


def test_a_deleted_repository_goes_at_once(local: InProcessLake) -> None:
    gone = local.write("a", b"1")
    local.commit()
    local.lake.catalog.delete_repository(REPO)
    local.collect(keep=gc.KEEP)
    assert not local.has_object(gone)
    assert local.is_sound()


def test_a_dry_run_says_what_would_go_and_frees_nothing(local: InProcessLake) -> None:
    _, gone = local.abandon("gone", b"gone")
    local.write("b", b"staged over")
    local.write("b", b"staged")
    would = local.collect(dry_run=True)
    assert local.has_object(gone)
    assert local.collect(dry_run=True) == would == local.collect()


def test_files_beside_the_objects_are_left_alone(local: InProcessLake) -> None:
    stray = local.home.objects / "ab" / "README"
    stray.parent.mkdir()
    stray.write_text("mine", encoding="utf-8")
    local.collect()
    assert stray.exists()


def test_an_address_that_was_handed_out_stays_usable(local: InProcessLake) -> None:
    address = local.lake.objects.offer(REPO, "main", "a")
    place = Path(address.removeprefix("local://"))
    draft = local.home.staging / "upload-under-way"
    forgotten = local.home.staging / "forgotten"
    long_ago = time.time() - 10 * 86_400
    for file in (place, draft, forgotten):
        file.write_bytes(b"written")
        os.utime(file, (long_ago, long_ago))
    local.collect()
    assert [file.exists() for file in (place, draft, forgotten)] == [True, True, False]
    entry = local.lake.objects.link(REPO, "main", "a", address, content_type="x", metadata={})
    assert local.has_object(entry.sha256)


def test_a_damaged_lake_is_not_collected(local: InProcessLake) -> None:
    local.write("a", b"1")
    local.commit()
    _, gone = local.abandon("gone", b"gone")
    with local.lake.catalog.database.change() as db:
        db.execute("UPDATE blocks SET data = CAST('[0,[],[]]' AS BLOB)")
    with pytest.raises(CorruptError):
        local.collect()
    assert local.has_object(gone)


def test_a_change_that_failed_leaves_no_object_pinned(
    local: InProcessLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, where = local.lake, (REPO, "main", "a")
    upload = app.catalog.multipart.begin(*where, "t/x", {})
    address = app.objects.offer(*where)
    Path(address.removeprefix(SCHEME)).write_bytes(b"linked")
    joined = app.store.put(b"joined")

    def full(*_: object) -> None:
        raise FullError("no room")

    monkeypatch.setattr(app.catalog.database, "change", full)
    with pytest.raises(FullError):
        app.objects.link(*where, address, content_type="t/x", metadata={})
    with pytest.raises(FullError):
        part_uploads.complete(app, upload, joined, ALWAYS)
    monkeypatch.undo()
    assert local.collect().objects == 2
