"""Garbage collection while others write: whatever comes in meanwhile stays."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lake.errors import ConflictError, NotFoundError
from lake.home import LakeHome
from lake.server import failpoints
from lake.server.failpoints import Failpoint
from lake.server.maintenance import fsck
from lake.server.maintenance.gc import Freed
from tests.lake.in_process import MESSAGE, REPO, InProcessLake
from tests.lake.servers import Served

AT = f"/repositories/{REPO}"
Between = Callable[[Failpoint, Callable[[], object]], None]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Do something when a failpoint is hit for the first time."""

    def arm(point: Failpoint, action: Callable[[], object]) -> None:
        waiting = [action]

        def hit(here: Failpoint) -> None:
            if here == point and waiting:
                waiting.pop()()

        monkeypatch.setattr(failpoints, "hit", hit)

    return arm


@pytest.mark.parametrize(
    "point", [Failpoint.OBJECT_TWIN, Failpoint.OBJECT_RENAMED, Failpoint.OBJECT_KEPT]
)
def test_an_upload_under_way_is_left_alone(
    local: InProcessLake, between: Between, point: Failpoint
) -> None:
    if point == Failpoint.OBJECT_TWIN:
        local.abandon("gone", b"data")
    freed: list[Freed] = []
    between(point, lambda: freed.append(local.collect()))
    sha256 = local.write("a", b"data")
    assert len(freed) == 1
    assert local.has_object(sha256)
    local.commit()
    assert local.is_sound()


@pytest.mark.parametrize("point", [Failpoint.GC_MARKED, Failpoint.GC_FORGOTTEN])
def test_bytes_that_come_in_while_the_catalog_is_cleared_stay(
    local: InProcessLake, between: Between, point: Failpoint
) -> None:
    _, gone = local.abandon("gone", b"data")
    between(point, lambda: local.lake.store.put(b"data"))
    assert local.collect().commits == 1
    assert local.has_object(gone)
    local.lake.store.pins.unpin(gone)
    assert local.collect().objects == 1


def test_bytes_that_come_in_while_files_are_removed_stay(
    local: InProcessLake, between: Between
) -> None:
    gone = [local.abandon(f"gone{number}", bytes([number]))[1] for number in range(2)]
    first, last = sorted(gone)
    back = {hashlib.sha256(bytes([number])).hexdigest(): bytes([number]) for number in range(2)}
    between(Failpoint.GC_REMOVED, lambda: [local.write(name, back[name]) for name in gone])
    assert local.collect().objects == 1
    assert local.has_object(first)  # removed, then written again
    assert local.has_object(last)
    local.commit()
    assert local.is_sound()


def test_one_collection_at_a_time(local: InProcessLake, between: Between) -> None:
    def again() -> None:
        with pytest.raises(ConflictError):
            local.collect()

    between(Failpoint.GC_SWEPT, again)
    local.collect()


@pytest.mark.parametrize("verb", ["merge", "cherry-pick"])
def test_a_commit_that_goes_meanwhile_cannot_be_built_on(local: InProcessLake, verb: str) -> None:
    local.branch("side")
    local.write("a", b"1", "side")
    local.commit("side")
    source = local.lake.versions.resolve(REPO, "side").commit
    local.lake.catalog.refs.delete("branches", REPO, "side")
    local.collect()
    versions = local.lake.versions
    how: dict[str, Any] = {"strategy": "", "squash": False, "allow_empty": False}
    build = {
        "merge": partial(versions.merge, REPO, source, "main", MESSAGE, **how),
        "cherry-pick": partial(versions.apply, REPO, "main", None, source, MESSAGE),
    }
    with pytest.raises(NotFoundError):
        build[verb]()
    assert local.is_sound()


def rewrite(served: Served, writer: int, kept: dict[str, bytes]) -> None:
    """Write few different bytes to few paths and commit, so that objects go and come back."""
    with served.http() as api:
        for number in range(30):
            path, data = f"{writer}/{number % 7}", bytes([number % 5, writer % 2])
            kept[path] = data
            api.post(f"{AT}/branches/main/objects", params={"path": path}, content=data)
            if number % 5 == 4:
                api.post(f"{AT}/branches/main/commits", json={"message": "m"})


def test_writers_beside_collections_lose_nothing(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served, kept, collections = serve(tmp_path / "home"), dict[str, bytes](), 0
    with served.http() as api:
        wanted = {"name": REPO, "storage_namespace": "local://x"}
        api.post("/repositories", json=wanted).raise_for_status()
        writers = [
            threading.Thread(target=rewrite, args=(served, number, kept)) for number in range(4)
        ]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            api.post("/_stemma/gc", json={"keep_seconds": 0}).raise_for_status()
            collections += 1
        assert collections > 2
        for path, data in kept.items():
            found = api.get(f"{AT}/refs/main/objects", params={"path": path})
            assert found.content == data
    assert not fsck.check(LakeHome(served.home)).problems
