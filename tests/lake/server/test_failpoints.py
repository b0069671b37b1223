"""The server killed with SIGKILL at every step of every change, and started again.

Each case prepares a repository of its own on a running server, arms one point for the next call,
and makes that call. The server must die in it. It is started again as it lies, with no repair, and
must hold all that was acknowledged. The call has happened as a whole, or not at all, and which of
the two is known from where the point stands; where it has not, it can be made again. What it should
have done is what it did in another repository where nothing failed.

Each sequence of points is gone through with one operation, and every operation is killed at the
last point before its change is durable. The other pairs, marked `kill`, repeat a sequence with
another operation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from lake.home import LakeHome
from lake.server.failpoints import Failpoint
from lake.server.maintenance import fsck
from tests.lake.server.killable import KillableLake, State

CHANGE: Final = (Failpoint.CHANGE_BEGUN, Failpoint.CHANGE_READY, Failpoint.CHANGE_COMMITTED)
COMMIT: Final = (
    *CHANGE,
    Failpoint.BLOCK_PUT,
    Failpoint.COMMIT_WRITTEN,
    Failpoint.COMMIT_UNSTAGED,
    Failpoint.COMMIT_MOVED,
)
GC: Final = (
    *CHANGE,
    Failpoint.GC_MARKED,
    Failpoint.GC_FORGOTTEN,
    Failpoint.GC_REMOVED,
    f"{Failpoint.GC_REMOVED}:2",
    Failpoint.GC_SWEPT,
)
PURGE: Final = (
    Failpoint.PURGE_LINKED,
    *CHANGE,
    Failpoint.PURGE_MARKED,
    Failpoint.PURGE_REMOVED,
    Failpoint.PURGE_SWEPT,
)
KEPT: Final = (Failpoint.OBJECT_RENAMED, Failpoint.OBJECT_KEPT, *CHANGE)
SMALL: Final = (Failpoint.UPLOAD_WRITTEN, Failpoint.UPLOAD_FLUSHED, Failpoint.OBJECT_KEPT)
"""Where a small upload, which is stored otherwise, is killed; it goes on as a large one does."""
UPLOAD: Final = (
    Failpoint.UPLOAD_OPENED,
    Failpoint.UPLOAD_HALF,
    f"{Failpoint.UPLOAD_HALF}:2",
    Failpoint.UPLOAD_WRITTEN,
    Failpoint.UPLOAD_FLUSHED,
    *KEPT,
)

Act = Callable[[KillableLake], httpx.Response]


@dataclass(frozen=True)
class Operation:
    """A call, the points that it comes to, and what it needs beforehand."""

    act: Act
    points: tuple[str, ...]
    prepare: Callable[[KillableLake], object] = lambda _lake: None


def send(method: str, path: str, **options: Any) -> Act:
    return lambda lake: lake.request(method, path, **options)


def put(lake: KillableLake) -> httpx.Response:
    data = lake.bytes("large") * 100_000
    return lake.request("POST", "/branches/main/objects", params={"path": "large"}, content=data)


def put_small(lake: KillableLake) -> httpx.Response:
    data = lake.bytes("small")
    return lake.request("POST", "/branches/main/objects", params={"path": "small"}, content=data)


def put_twin(lake: KillableLake) -> httpx.Response:
    data = lake.bytes("base")
    return lake.request("POST", "/branches/main/objects", params={"path": "twin"}, content=data)


def offer(lake: KillableLake) -> None:
    place = lake.succeed("GET", "/branches/main/staging/backing", params={"path": "linked"}).json()
    lake.place = Path(place["physical_address"].removeprefix("local://"))
    lake.place.write_bytes(lake.bytes("linked"))


def link(lake: KillableLake) -> httpx.Response:
    if not lake.place.exists():  # it was taken over and not linked: the client writes again
        offer(lake)
    body = {
        "staging": {"physical_address": f"local://{lake.place}"},
        "checksum": "",
        "size_bytes": 0,
    }
    return lake.request(
        "PUT", "/branches/main/staging/backing", params={"path": "linked"}, json=body
    )


def rename(lake: KillableLake) -> None:
    """Turn to a repository that is not there yet."""
    lake.name += "-new"


def litter(lake: KillableLake) -> None:
    """Leave behind a branch with a commit, a staged object, and one that was staged over."""
    lake.succeed("POST", "/branches", json={"name": "gone", "source": "main"})
    lake.upload("gone", "gone")
    lake.commit("gone", "gone")
    lake.upload("gone too", "gone")
    lake.succeed("DELETE", "/branches/gone")


def collect(lake: KillableLake) -> httpx.Response:
    return lake.api.post("/_stemma/gc", json={"keep_seconds": 0})


def purge(lake: KillableLake) -> httpx.Response:
    """Purge the object that a tag, three branches and their commits hold."""
    (LakeHome(lake.home).staging / "cleaned").write_bytes(lake.bytes("cleaned"))
    sha256 = hashlib.sha256(lake.bytes("base")).hexdigest()
    replacement = {"sha256": sha256, "file": "cleaned", "rows": 1}
    return lake.api.post("/_stemma/purge", json={"take_down": "t", "replacements": [replacement]})


OPERATIONS: Final = {
    "upload": Operation(put, UPLOAD),
    "small upload": Operation(put_small, SMALL),
    "twin": Operation(put_twin, (Failpoint.OBJECT_TWIN, Failpoint.OBJECT_KEPT)),
    "link": Operation(link, (Failpoint.LINK_HASHED, *KEPT), offer),
    "delete": Operation(send("DELETE", "/branches/main/objects", params={"path": "base"}), CHANGE),
    "copy": Operation(
        send(
            "POST",
            "/branches/main/objects/copy",
            params={"dest_path": "copied"},
            json={"src_path": "side", "src_ref": "side"},
        ),
        CHANGE,
    ),
    "commit": Operation(send("POST", "/branches/rest/commits", json={"message": "rest"}), COMMIT),
    "merge": Operation(send("POST", "/refs/side/merge/main", json={}), COMMIT),
    "revert": Operation(send("POST", "/branches/main/revert", json={"ref": "main"}), COMMIT),
    "cherry-pick": Operation(
        send("POST", "/branches/main/cherry-pick", json={"ref": "side"}), COMMIT
    ),
    "branch": Operation(send("POST", "/branches", json={"name": "new", "source": "main"}), CHANGE),
    "delete branch": Operation(send("DELETE", "/branches/rest"), CHANGE),
    "reset": Operation(send("PUT", "/branches/rest", json={"type": "reset"}), CHANGE),
    "hard reset": Operation(
        send("PUT", "/branches/main/hard_reset", params={"ref": "main~1"}), CHANGE
    ),
    "tag": Operation(send("POST", "/tags", json={"id": "v2", "ref": "main"}), CHANGE),
    "delete tag": Operation(send("DELETE", "/tags/v1"), CHANGE),
    "repository": Operation(KillableLake.create, CHANGE, rename),
    "delete repository": Operation(send("DELETE", ""), CHANGE),
    "collection": Operation(collect, GC, litter),
    "purge": Operation(purge, PURGE),
}
AFTER: Final = {
    *(Failpoint.CHANGE_COMMITTED, Failpoint.GC_REMOVED, Failpoint.GC_SWEPT),
    *(Failpoint.PURGE_REMOVED, Failpoint.PURGE_SWEPT),
}
"""Points that come when the change is durable; all others come before."""
CASES: Final = [(name, point) for name, each in OPERATIONS.items() for point in each.points]
FIRST: Final = {each.points: name for name, each in reversed(OPERATIONS.items())}
"""The operation that is killed at each point of a sequence: the first one that has it."""


def last_before(operation: Operation) -> str:
    """The last point of an operation at which nothing of it may have happened."""
    ready = Failpoint.CHANGE_READY
    return ready if ready in operation.points else operation.points[-1]


def in_core(name: str, point: str) -> bool:
    operation = OPERATIONS[name]
    return FIRST[operation.points] == name or point == last_before(operation)


def cases() -> list[Any]:
    """All pairs; those that repeat a sequence are marked."""
    return [pytest.param(*case, marks=() if in_core(*case) else pytest.mark.kill) for case in CASES]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableLake]:
    made = KillableLake(tmp_path_factory.mktemp("killable") / "home")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def whole(lake: KillableLake) -> Callable[[str], tuple[State, State]]:
    """What a client sees before and after an operation in which nothing fails."""
    known: dict[str, tuple[State, State]] = {}

    def seen(name: str) -> tuple[State, State]:
        if name not in known:
            lake.new_repository()
            OPERATIONS[name].prepare(lake)
            before = lake.state()
            OPERATIONS[name].act(lake).raise_for_status()
            known[name] = before, lake.state()
        return known[name]

    return seen


def test_every_point_has_a_case() -> None:
    assert {point.partition(":")[0] for _, point in CASES} == set(Failpoint)


def test_the_core_covers_every_sequence_and_every_operation() -> None:
    core = {case for case in CASES if in_core(*case)}
    whole = {
        operation.points
        for name, operation in OPERATIONS.items()
        if {point for killed, point in core if killed == name} == set(operation.points)
    }
    assert whole == {operation.points for operation in OPERATIONS.values()}
    assert {name for name, _ in core} == set(OPERATIONS)
    assert len(core) < 0.65 * len(CASES)


@pytest.mark.parametrize(("name", "point"), cases())
def test_killed_there_it_is_whole(
    lake: KillableLake, whole: Callable[[str], tuple[State, State]], name: str, point: str
) -> None:
    before, after = whole(name)
    operation = OPERATIONS[name]
    lake.new_repository()
    operation.prepare(lake)
    lake.arm(point)
    with pytest.raises(httpx.TransportError):
        operation.act(lake)
    assert lake.was_killed()
    assert not fsck.check(LakeHome(lake.home)).problems
    lake.restart()
    happened = point.partition(":")[0] in AFTER
    assert lake.state() == (after if happened else before)
    if not happened:
        assert operation.act(lake).is_success
        assert lake.state() == after
    assert not [file for file in LakeHome(lake.home).staging.iterdir() if file != lake.place]
    if name == "purge":
        names = [item.name for item in LakeHome(lake.home).objects.rglob("*")]
        assert hashlib.sha256(lake.bytes("base")).hexdigest()[2:] not in names
    if name == "collection":
        assert collect(lake).is_success
        report = fsck.check(LakeHome(lake.home))
        assert not report.problems
        assert report.unreferenced == 0
