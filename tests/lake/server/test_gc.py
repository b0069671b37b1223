"""Garbage collection: it frees what nothing leads to, and never what somebody still needs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lake.errors import CorruptError, NotFoundError
from lake.server.maintenance import gc
from lake.server.maintenance.gc import Freed
from tests.lake.trash import REPO, Bin


def test_what_nothing_leads_to_goes(trash: Bin) -> None:
    kept = trash.write("a", b"kept")
    trash.commit()
    over = trash.write("b", b"staged over")
    staged = trash.write("b", b"staged")
    commit, gone = trash.leave("gone", b"gone")
    freed = trash.collect()
    assert [trash.there(name) for name in (kept, over, staged, gone)] == [True, False, True, False]
    assert (freed.objects, freed.object_bytes) == (2, len(b"staged over") + len(b"gone"))
    assert freed.commits == 1
    assert freed.blocks > 0
    with pytest.raises(NotFoundError):
        trash.lake.versions.commit(REPO, commit)
    assert trash.sound()
    assert trash.collect() == Freed(0, 0, 0, 0, 0, 0)


def test_the_history_of_branches_and_tags_stays(trash: Bin) -> None:
    old = trash.write("a", b"old")
    first = trash.commit()
    trash.write("a", b"new")
    trash.commit()
    trash.branch("side", "main~1")
    tagged = trash.write("a", b"tagged", "side")
    trash.lake.catalog.create_ref("tags", REPO, "v1", trash.commit("side"))
    trash.lake.catalog.delete_ref("branches", REPO, "side")
    assert trash.collect() == Freed(0, 0, 0, 0, 0, 0)
    assert trash.there(old)
    assert trash.there(tagged)
    assert trash.lake.objects.stat(REPO, first, "a").sha256 == old
    assert trash.lake.objects.stat(REPO, "v1", "a").sha256 == tagged


def test_what_a_branch_or_tag_left_stays_for_a_while(trash: Bin) -> None:
    trash.write("a", b"1")
    trash.commit()
    trash.write("a", b"2")
    reset, other = trash.commit(), trash.write("a", b"3")
    trash.lake.catalog.create_ref("tags", REPO, "v", trash.commit())
    trash.lake.catalog.move_branch(REPO, "main", trash.lake.versions.resolve(REPO, "v~2").commit.id)
    trash.lake.catalog.delete_ref("tags", REPO, "v")
    deleted, gone = trash.leave("gone", b"gone")
    freed = trash.collect(keep=3600)
    assert (freed.objects, freed.commits, freed.spared) == (0, 0, 3)
    assert trash.there(gone)
    assert trash.there(other)
    age(trash, 3601)
    assert trash.collect(keep=3600, also=[deleted]).commits == 2
    with pytest.raises(NotFoundError):
        trash.lake.versions.commit(REPO, reset)
    assert trash.there(gone)
    assert trash.collect(keep=3600).commits == 1
    assert not trash.there(gone)
    assert trash.sound()


def age(trash: Bin, seconds: int) -> None:
    with trash.lake.catalog.database.change() as db:
        db.execute("UPDATE reflog SET left_at = left_at - ?", (seconds,))


def test_a_clock_that_went_back_frees_nothing_early(trash: Bin) -> None:
    _, gone = trash.leave("gone", b"gone")
    age(trash, -86_400)
    assert trash.collect(keep=3600).objects == 0
    assert trash.there(gone)


def test_committing_leaves_nothing_behind(trash: Bin) -> None:
    for number in range(3):
        trash.write("a", str(number).encode())
        trash.commit()
    db = trash.lake.catalog.database.connection
    assert db.execute("SELECT count(*) FROM reflog").fetchone() == (0,)


def test_a_deleted_repository_goes_at_once(trash: Bin) -> None:
    gone = trash.write("a", b"1")
    trash.commit()
    trash.lake.catalog.delete_repository(REPO)
    trash.collect(keep=gc.KEEP)
    assert not trash.there(gone)
    assert trash.sound()


def test_a_dry_run_says_what_would_go_and_frees_nothing(trash: Bin) -> None:
    _, gone = trash.leave("gone", b"gone")
    trash.write("b", b"staged over")
    trash.write("b", b"staged")
    would = trash.collect(dry_run=True)
    assert trash.there(gone)
    assert trash.collect(dry_run=True) == would == trash.collect()


def test_files_beside_the_objects_are_left_alone(trash: Bin) -> None:
    stray = trash.home.objects / "ab" / "README"
    stray.parent.mkdir()
    stray.write_text("mine", encoding="utf-8")
    trash.collect()
    assert stray.exists()


def test_an_address_that_was_handed_out_stays_usable(trash: Bin) -> None:
    address = trash.lake.objects.offer(REPO, "main", "a")
    place = Path(address.removeprefix("local://"))
    draft = trash.home.staging / "upload-under-way"
    forgotten = trash.home.staging / "forgotten"
    long_ago = time.time() - 10 * 86_400
    for file in (place, draft, forgotten):
        file.write_bytes(b"written")
        os.utime(file, (long_ago, long_ago))
    trash.collect()
    assert [file.exists() for file in (place, draft, forgotten)] == [True, True, False]
    entry = trash.lake.objects.link(
        REPO, "main", "a", address, content_type="x", metadata={}, only_if_absent=False
    )
    assert trash.there(entry.sha256)


def test_a_damaged_lake_is_not_collected(trash: Bin) -> None:
    trash.write("a", b"1")
    trash.commit()
    _, gone = trash.leave("gone", b"gone")
    with trash.lake.catalog.database.change() as db:
        db.execute("UPDATE blocks SET data = CAST('[0,[],[]]' AS BLOB)")
    with pytest.raises(CorruptError):
        trash.collect()
    assert trash.there(gone)
