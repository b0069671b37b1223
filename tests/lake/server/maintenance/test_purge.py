"""Purges: every version reads the cleaned bytes, and what was purged is nowhere in the lake."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lake import polling, purging
from lake.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from lake.home import LakeHome
from lake.purging import Cleaned
from lake.server.catalog import multipart, tombstones
from lake.server.catalog.entries import Entry
from lake.server.catalog.tombstones import PURGED_BY, PURGED_ROWS
from lake.server.maintenance import backup, fsck, purge
from lake.server.maintenance.purge import Asked, Replacement
from lake.values import Purged
from tests.lake.in_process import MESSAGE, REPO, InProcessLake
from tests.lake.server.killable import KillableLake

SECRET = b"innocent, to be purged"
CLEAN = b"innocent, cleaned"


def staged(local: InProcessLake, data: bytes) -> str:
    address = local.lake.store.slot()
    Path(address.removeprefix("local://")).write_bytes(data)
    return address


def purged(local: InProcessLake, sha256: str, data: bytes = CLEAN, rows: int = 1) -> Purged:
    asked = Asked("t", "tester", "signed", [Replacement(sha256, staged(local, data), rows)])
    return purge.purge(local.lake.catalog.database, local.lake.store, asked)


def read(local: InProcessLake, ref: str, path: str) -> bytes:
    entry = local.lake.objects.stat(REPO, ref, path)
    with local.lake.store.open(entry.sha256, entry.size, whole=True) as file:
        return file.read()


def files_with(local: InProcessLake, data: bytes) -> list[Path]:
    """Every file of a lake that holds some bytes, whatever it is."""
    everything = (path for path in local.home.path.rglob("*") if path.is_file())
    return [path for path in everything if data in path.read_bytes()]


@pytest.fixture
def filled(local: InProcessLake) -> InProcessLake:
    """An object in an old commit, at a tag, and staged on another branch."""
    local.write("a", SECRET)
    first = local.commit()
    local.lake.catalog.refs.create("tags", REPO, "v1", first)
    local.branch("side")
    local.write("copy", SECRET, "side")
    local.write("a", b"something else")
    local.write("b", b"untouched")
    local.commit()
    return local


def test_every_version_reads_the_cleaned_bytes(filled: InProcessLake) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    before = filled.lake.versions.resolve(REPO, "v1").commit
    assert purged(filled, old.sha256) == Purged(1, 1, len(SECRET), 0)
    assert [read(filled, ref, path) for ref, path in [("v1", "a"), ("main~1", "a")]] == [CLEAN] * 2
    assert read(filled, "side", "copy") == CLEAN
    assert [read(filled, "main", path) for path in "ab"] == [b"something else", b"untouched"]
    assert filled.lake.versions.resolve(REPO, "v1").commit == before
    cleaned = filled.lake.objects.stat(REPO, "v1", "a")
    assert (cleaned.size, cleaned.metadata) == (len(CLEAN), {PURGED_BY: "t", PURGED_ROWS: "1"})
    assert cleaned.md5 != old.md5
    assert not files_with(filled, b"to be purged")
    assert filled.is_sound()


def test_what_is_committed_and_merged_afterwards_holds_the_cleaned_object(
    filled: InProcessLake,
) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, old.sha256)
    filled.commit("side")
    filled.lake.versions.merge(
        REPO,
        filled.lake.versions.head(REPO, "side"),
        "main",
        MESSAGE,
        strategy="",
        squash=False,
        allow_empty=False,
    )
    assert read(filled, "main", "copy") == CLEAN
    assert filled.lake.objects.copy(REPO, "main", "again", "v1", "a").sha256 != old.sha256
    listed = filled.lake.versions.diff_refs(
        REPO,
        filled.lake.versions.resolve(REPO, "v1").commit,
        filled.lake.versions.head(REPO, "side"),
        three_dot=False,
        prefix="",
    )("", True)
    assert [(path, change.kind) for path, change in listed] == [("copy", "added")]


def test_an_object_that_was_purged_once_can_be_cleaned_again(filled: InProcessLake) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, old.sha256)
    once = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, once.sha256, b"cleaned twice", rows=2)
    assert read(filled, "v1", "a") == read(filled, "side", "copy") == b"cleaned twice"
    assert filled.lake.objects.stat(REPO, "v1", "a").metadata[PURGED_ROWS] == "3"
    assert not files_with(filled, CLEAN)
    assert filled.is_sound()


def test_the_bytes_are_never_taken_again(filled: InProcessLake) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, old.sha256)
    with pytest.raises(ForbiddenError, match="purged by the take-down t"):
        filled.write("again", SECRET)
    with pytest.raises(ForbiddenError, match="not taken again"):
        filled.lake.store.link(staged(filled, SECRET))
    filled.lake.store.sweep(drafts=True)
    assert not filled.has_object(old.sha256)


def test_uploads_that_are_not_finished_end(filled: InProcessLake) -> None:
    store, catalog = filled.lake.store, filled.lake.catalog
    filled.lake.objects.offer(REPO, "main", "offered")
    slot = filled.lake.objects.offer(REPO, "main", "written")
    Path(slot.removeprefix("local://")).write_bytes(SECRET)
    upload = catalog.multipart.begin(REPO, "main", "parts", "x", {})
    part = store.slot()
    Path(part.removeprefix("local://")).write_bytes(SECRET)
    name = part.rpartition("/")[2]
    catalog.multipart.add(upload, multipart.Part(1, name, "0" * 32, len(SECRET), 0))
    old = filled.lake.objects.stat(REPO, "v1", "a")
    assert purged(filled, old.sha256).uploads == 3
    assert not files_with(filled, b"to be purged")
    with pytest.raises(InvalidError, match="was not handed out"):
        filled.lake.objects.link(REPO, "main", "written", slot, content_type="x", metadata={})


def test_what_cannot_be_purged_changes_nothing(filled: InProcessLake) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a").sha256
    other = filled.lake.objects.stat(REPO, "main", "b").sha256
    database, store = filled.lake.catalog.database, filled.lake.store

    def refuse(error: type[Exception], words: str, *items: tuple[str, bytes]) -> None:
        replacements = [Replacement(name, staged(filled, data), 1) for name, data in items]
        with pytest.raises(error, match=words):
            purge.purge(database, store, Asked("t", "tester", "", replacements))

    refuse(InvalidError, "no SHA-256", ("../a", CLEAN))
    refuse(NotFoundError, "there is no object", ("0" * 64, CLEAN))
    refuse(InvalidError, "named twice", (old, CLEAN), (old, b"other"))
    refuse(InvalidError, "purged and read again", (old, SECRET))
    refuse(InvalidError, "stands for two", (old, CLEAN), (other, CLEAN))
    with store.pins.collecting():
        refuse(ConflictError, "under way", (old, CLEAN))
    assert read(filled, "v1", "a") == SECRET
    assert not tombstones.purges(database.connection)
    purged(filled, old)
    refuse(ConflictError, "purged by the take-down t already", (old, CLEAN))


def test_the_check_names_purged_bytes_that_are_there_again(filled: InProcessLake) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, old.sha256)
    path = filled.lake.store.path(old.sha256)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(SECRET)
    problems = fsck.check(filled.home).problems
    assert [(item.item.name, item.wrong) for item in problems] == [(old.sha256, fsck.PURGED)]
    filled.collect()
    assert filled.is_sound()
    cleaned = filled.lake.objects.stat(REPO, "v1", "a")
    changed = filled.lake.store.path(cleaned.sha256)
    changed.chmod(0o600)
    changed.write_bytes(CLEAN.replace(b"c", b"C"))
    problems = fsck.check(filled.home).problems
    assert [(item.item.name, item.wrong) for item in problems] == [(cleaned.sha256, "damaged")]
    assert any("tag garbage/v1: a" in user for user in problems[0].used_by)


def test_a_collection_keeps_the_cleaned_object_as_long_as_the_purged_one_is_named(
    filled: InProcessLake,
) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    purged(filled, old.sha256)
    cleaned = filled.lake.objects.stat(REPO, "v1", "a").sha256
    filled.collect()
    assert filled.has_object(cleaned)
    assert read(filled, "v1", "a") == CLEAN


def test_a_backup_of_before_loses_the_bytes_when_it_is_renewed(
    filled: InProcessLake, tmp_path: Path
) -> None:
    old = filled.lake.objects.stat(REPO, "v1", "a")
    backup.take(filled.home, tmp_path / "backup")
    purged(filled, old.sha256)
    backup.take(filled.home, tmp_path / "backup")
    restored = LakeHome(tmp_path / "restored")
    backup.restore(tmp_path / "backup", restored)
    again = InProcessLake.opened(restored.path)
    assert read(again, "v1", "a") == CLEAN
    for place in (tmp_path / "backup", restored.path):
        assert not fsck.check(LakeHome(place)).problems
        assert not [
            path for path in place.rglob("*") if path.is_file() and SECRET in path.read_bytes()
        ]
    with pytest.raises(ForbiddenError):
        again.write("again", SECRET)


def test_a_lake_of_an_earlier_release_has_no_tombstones(filled: InProcessLake) -> None:
    with filled.lake.catalog.database.change() as db:
        db.execute("DROP TABLE tombstones")
        db.execute("DROP TABLE purges")
    assert filled.is_sound()
    old = InProcessLake.opened(filled.home.path)
    assert read(old, "v1", "a") == SECRET


def test_readers_read_either_and_nothing_else(filled: InProcessLake) -> None:
    """Whoever reads while an object is purged gets its bytes of before or after, whole."""
    old = filled.lake.objects.stat(REPO, "v1", "a")
    seen: set[bytes] = set()
    wrong: list[CorruptError] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            entry: Entry = filled.lake.objects.stat(REPO, "v1", "a")
            try:
                seen.add(filled.lake.store.read_small(entry.sha256, entry.size))
            except CorruptError as error:
                if filled.lake.catalog.database.tombstones.get(entry.sha256) is None:
                    wrong.append(error)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    purged(filled, old.sha256)
    for _ in range(20):
        assert read(filled, "v1", "a") == CLEAN
    read_after = polling.until(lambda: CLEAN in seen, interval=0.01, timeout=30)
    done.set()
    for reader in readers:
        reader.join(10)
    assert not wrong
    assert read_after
    assert seen <= {SECRET, CLEAN}


def test_one_process_purges_a_lake_at_a_time(tmp_path: Path) -> None:
    with (
        purging.alone(tmp_path),
        pytest.raises(BusyError, match="already"),
        purging.alone(tmp_path),
    ):
        pass
    with purging.alone(tmp_path):
        assert (tmp_path / purging.LOCK).stat().st_mode & 0o777 == 0o600


def test_a_client_purges_through_the_server(tmp_path: Path) -> None:
    lake = KillableLake(tmp_path / "home")
    try:
        lake.new_repository()
        sha256 = lake.results("/refs/v1/objects/ls")[0]["physical_address"][-65:].replace("/", "")
        staging = LakeHome(lake.home).staging
        with purging.drafts(staging) as drafts:
            drafts.keep(b"nobody takes it over")
            cleaned = Cleaned(sha256, drafts.keep(CLEAN), 2)
            done = purging.purge(lake.home, "t-1", "signed", [cleaned])
        assert not list(staging.iterdir())
        assert (done.id, done.objects, done.object_bytes) == (1, 1, len(lake.bytes("base")))
        answer = lake.succeed("GET", "/refs/v1/objects", params={"path": "base"})
        assert answer.content == CLEAN
        listed = lake.results("/refs/v1/objects/ls")[0]
        assert answer.headers["etag"].strip('"') == listed["checksum"]
        assert listed["metadata"] == {PURGED_BY: "t-1", PURGED_ROWS: "2"}
        stones = lake.api.get("/_stemma/tombstones").json()
        assert [item["purged"]["sha256"] for item in stones["tombstones"]] == [sha256]
        assert [(item["statement"], item["done"]) for item in stones["purges"]] == [
            ("signed", True)
        ]
        with (
            purging.drafts(staging) as drafts,
            pytest.raises(NotFoundError, match="there is no object"),
        ):
            purging.purge(lake.home, "t-2", "", [Cleaned("0" * 64, drafts.keep(CLEAN), 0)])
        assert not list(staging.iterdir())
    finally:
        lake.stop()
