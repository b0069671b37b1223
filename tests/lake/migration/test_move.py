"""A history moved over the API alone to a server that gives its commits other ids."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.client import replica as replica_module
from lake.client.connection import Connection, open_connection
from lake.client.migrated import MigratedLake
from lake.client.replica import Replica
from lake.commit_ids import CommitIds
from lake.errors import ConflictError, InvalidError, NotFoundError
from lake.migration import run
from lake.migration.plan import KEPT, WORK
from lake.migration.run import Outcome
from lake.server.catalog import commits
from lake.server.catalog.commits import CommitMessage
from lake.settings import Remote
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.servers import Served, start

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def salted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose commits have other ids, and another committer."""
    home = tmp_path_factory.mktemp("salted") / "home"
    served = start(home, salted=True, more=["--user", "somebody"])
    yield served
    served.stop()


class History:
    """A repository that is put together over the API."""

    lost: str = ""
    """A commit that no branch or tag leads to."""

    def __init__(self, api: httpx.Client, name: str) -> None:
        self.api, self.name = api, name
        self.post("", json={"name": name, "storage_namespace": f"local://{name}"}, at="")

    def post(self, path: str, *, at: str | None = None, **options: Any) -> Any:
        place = f"/repositories{f'/{self.name}' if at is None else at}{path}"
        return self.api.post(place, **options).raise_for_status()

    def write(self, branch: str, path: str, text: str, **headers: str) -> None:
        self.post(
            f"/branches/{branch}/objects", params={"path": path}, content=text, headers=headers
        )

    def commit(self, branch: str, message: str, **more: Any) -> str:
        made = self.post(f"/branches/{branch}/commits", json={"message": message, **more})
        return str(made.json()["id"])

    def branch(self, name: str, source: str, **more: Any) -> None:
        self.post("/branches", json={"name": name, "source": source, **more})

    def merge(self, source: str, into: str, **body: Any) -> str:
        made = self.post(f"/refs/{source}/merge/{into}", json=body)
        return str(made.json()["reference"])


@pytest.fixture
def history(api: httpx.Client) -> History:
    """Everything that a history can hold."""
    made = History(api, f"moving-{next(_NUMBERS)}")
    made.write("main", "a", "one", **{"content-type": "text/plain; charset=utf-8"})
    made.write("main", "dir/é +&?.txt", "two")
    made.write("main", "empty", "")
    place = f"/repositories/{made.name}/branches/main/objects/stat/user_metadata"
    api.put(place, params={"path": "a"}, json={"set": {"Case": "Kept ü"}}).raise_for_status()
    made.commit("main", "first\nof two lines", metadata={"k": "v", "é": "ü"}, date=86_400)
    made.branch("side", "main", hidden=True)
    for branch, text in (("main", "ours"), ("side", "theirs")):
        made.write(branch, "both", text)
        made.write(branch, f"only-{branch}", text)
        made.commit(branch, f"on {branch}")
    for strategy in ("source-wins", "dest-wins"):
        made.branch(strategy, "main")
        made.merge("side", strategy, message=strategy, strategy=strategy, metadata={"m": strategy})
    api.delete(
        f"/repositories/{made.name}/branches/side/objects", params={"path": "both"}
    ).raise_for_status()
    api.delete(
        f"/repositories/{made.name}/branches/side/objects", params={"path": "a"}
    ).raise_for_status()
    made.commit("side", "remove")
    made.commit("side", "nothing", allow_empty=True)
    made.merge("source-wins", "main", message="merge", metadata={"to": "main"})
    made.merge("main", "side", message="squashed", squash_merge=True, strategy="source-wins")
    made.post("/tags", json={"id": "v1", "ref": "main"})
    made.post("/tags", json={"id": "v0", "ref": "main~1"})
    made.branch("lost", "main")
    made.write("lost", "lost", "lost")
    made.lost = made.commit("lost", "lost")
    api.delete(f"/repositories/{made.name}/branches/lost").raise_for_status()
    made.write("side", "staged", "staged")
    rules = [{"pattern": "rel-*"}]
    api.put(f"/repositories/{made.name}/settings/branch_protection", json=rules).raise_for_status()
    return made


def replica(remote: Remote, name: str) -> Replica:
    return Replica(open_connection(remote, None), name)


def move(history: History, server: Served, salted: Served, **more: Any) -> Outcome:
    source, target = replica(server.remote, history.name), replica(salted.remote, history.name)
    given = {"namespace": None, "tell": lambda *_: None, "named": [history.lost], **more}
    return run.move(source, target, **given)


def state(lake: Replica, ids: Mapping[str, str]) -> dict[str, Any]:
    """All that a lake says, by the ids of the source; without what no API can set."""
    heads = {**lake.branches(), **lake.tags()}
    commits = {commit.id: commit for ref in heads for commit in lake.log(ref)}
    return {
        "branches": {name: ids[head] for name, head in lake.branches().items()},
        "hidden": lake.hidden_branches(),
        "tags": {name: ids[head] for name, head in lake.tags().items()},
        "protected": lake.protected(),
        "commits": {
            ids[commit.id]: (
                tuple(ids[parent] for parent in commit.parents),
                commit.message,
                dict(commit.metadata),
                commit.created if len(commit.parents) == 1 else None,
            )
            for commit in commits.values()
        },
        "trees": {
            ids[id_]: {item.path: lake.stat(id_, item.path) for item in lake.objects(id_)}
            for id_ in commits
        },
    }


def identity(lake: Replica) -> dict[str, str]:
    heads = {**lake.branches(), **lake.tags()}
    return {commit.id: commit.id for ref in heads for commit in lake.log(ref)}


def check_same(history: History, server: Served, salted: Served, outcome: Outcome) -> None:
    """The target holds what the source holds, and the commit that only a receipt names."""
    source, target = replica(server.remote, history.name), replica(salted.remote, history.name)
    kept = f"{KEPT}{history.lost[:16]}"
    former = {moved.id: name for name, moved in outcome.moved.items()}
    assert not former.keys() & outcome.moved.keys()
    there = state(target, former)
    assert there["branches"].pop(kept) == history.lost
    there["hidden"].remove(kept)
    for part in ("commits", "trees"):
        assert there[part].pop(history.lost)
    assert there == state(source, identity(source))


def test_everything_comes_out_equal(history: History, server: Served, salted: Served) -> None:
    source, target = replica(server.remote, history.name), replica(salted.remote, history.name)
    seen = run.look(source, target, [history.lost, "f" * 64, "no id"])
    assert target.facts() is None
    assert (seen.commits, seen.merges, seen.branches, seen.tags, seen.kept) == (11, 3, 4, 2, 1)
    told: list[tuple[int, int]] = []
    outcome = move(history, server, salted, tell=lambda *done: told.append(done))
    assert told[-1] == (seen.object_bytes, seen.object_bytes)
    assert (outcome.made, outcome.to_send_bytes) == (seen.made, seen.to_send_bytes)
    assert outcome.tally.commits == outcome.commits - 1 == 10
    check_same(history, server, salted, outcome)
    found = outcome.not_reproduced
    assert found is not None
    assert found.dates <= 4  # merges and the first commit, unless made within the same second
    assert (found.committers, found.flattened) == (11, 0)
    assert (found.server_entries, found.uncommitted, found.unprotected) == (0, 1, 0)
    again = move(history, server, salted)
    assert (again.made, again.tally.commits, again.tally.sent) == (0, 0, 0)
    assert again.moved == outcome.moved


class Killed(BaseException):
    """Nothing catches it: what a process that is killed leaves is what this leaves."""


def test_a_move_that_ends_at_any_call_goes_on(
    history: History, server: Served, salted: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, left = Connection.call, [0]

    def counted(self: Connection, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.endpoint == salted.remote.endpoint and not method.__name__.startswith(READS):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            made = call(self, method, *args, **kwargs)
            if left[0] == -1:
                raise Killed
            return made
        return call(self, method, *args, **kwargs)

    monkeypatch.setattr(Connection, "call", counted)
    monkeypatch.setattr(replica_module, "CHUNK", 2)  # objects are read in parts
    kills = 0
    while True:
        left[0] = 3 + kills // 2
        try:
            outcome = move(history, server, salted)
            break
        except Killed:
            kills += 1
    assert kills > 5
    check_same(history, server, salted, outcome)
    assert not replica(salted.remote, history.name).branches(WORK)


READS = ("get_", "list_", "log_", "diff_", "stat_", "find_")


def by_hand(home: Path) -> tuple[str, int]:
    """A lake with a merge whose tree no strategy gives, and a commit on it; its repository."""
    local = InProcessLake(home)
    local.write("a", b"a")
    local.commit()
    local.branch("side")
    for branch in ("main", "side"):
        for path in ("one", "two"):
            local.write(path, f"{path} on {branch}".encode(), branch)
        local.commit(branch)
    versions, database = local.lake.versions, local.lake.catalog.database
    ours, theirs = (versions.head(REPO, branch) for branch in ("main", "side"))
    taken = dict(versions.tree(theirs).items(""))["two"]
    root = versions.tree(ours).updated({"two": taken}).root
    made = commits.make(REPO, root, (ours, theirs), CommitMessage("by hand", "tester", {}))
    with database.change():
        commits.write(database, REPO, made)
        local.lake.catalog.refs.move_branch(REPO, "main", made.id)
    local.write("later", b"later")
    local.commit()
    database.connection.close()
    return REPO, 6


def test_a_merge_that_no_strategy_gives_has_one_parent_and_is_counted(
    tmp_path: Path, serve: Callable[..., Served], salted: Served
) -> None:
    name, count = by_hand(tmp_path / "home")
    served = serve(tmp_path / "home")
    source, target = replica(served.remote, name), replica(salted.remote, name)
    for made in (count - 1, 0):
        outcome = run.move(source, target, (), namespace=None, tell=lambda *_: None)
        assert outcome.not_reproduced is not None
        assert outcome.not_reproduced.flattened == 1
        assert outcome.tally.commits == made
    former = {moved.id: name for name, moved in outcome.moved.items()}
    assert state(target, former)["trees"] == state(source, identity(source))["trees"]
    assert target.resolve("main~1").message == "by hand"
    assert target.read("main", "one") == b"one on main"
    assert target.read("main", "two") == b"two on side"


def test_work_on_the_target_is_never_overwritten(
    history: History, server: Served, salted: Served
) -> None:
    move(history, server, salted)
    with salted.http() as api:
        there = History.__new__(History)
        there.api, there.name = api, history.name
        there.write("main", "new", "new")
        there.commit("main", "work\x1b[31m on the new lake")
    with pytest.raises(ConflictError, match=r"holds something else: the commit .* \(work\x1b"):
        move(history, server, salted)


@pytest.mark.parametrize("branch", ["main", "side"])
def test_what_somebody_staged_on_the_target_stays(
    history: History, server: Served, salted: Served, branch: str
) -> None:
    known = [moved.id for moved in move(history, server, salted).moved.values()]
    target = replica(salted.remote, history.name)
    target.write_bytes(branch, "mine", b"mine")
    move(history, server, salted)
    assert target.read(branch, "mine") == b"mine"
    history.write(branch, "later", "later")
    history.commit(branch, "later")
    with pytest.raises(ConflictError, match=f"{branch} of .* has 1 uncommitted changes .* mine:"):
        move(history, server, salted, known=known)
    assert target.read(branch, "mine") == b"mine"


@pytest.mark.slow
def test_equal_merges_are_not_taken_for_each_other(
    api: httpx.Client, server: Served, salted: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal = [f"equal-{number}" for number in range(4)]
    history = History(api, f"moving-{next(_NUMBERS)}")
    history.branch("side", "main")
    history.write("side", "a", "a")
    history.commit("side", "a")
    for name in equal:
        history.branch(name, "main")
        history.merge("side", name, message="the same")
    for name in equal:
        history.write(name, "b", name)
        history.commit(name, "b")

    def stop(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(run, "_point", stop)
        with pytest.raises(Killed):
            move(history, server, salted)
    assert move(history, server, salted).tally.commits == 0
    assert move(history, server, salted).tally.commits == 0  # by branches, without those of work
    target = replica(salted.remote, history.name)
    assert [target.read(name, "b") for name in equal] == [name.encode() for name in equal]


@pytest.mark.parametrize("branch", [pytest.param("main", marks=pytest.mark.slow), "side"])
def test_what_nobody_committed_is_counted_and_found_before_a_move(
    history: History, server: Served, salted: Served, branch: str
) -> None:
    source, target = replica(server.remote, history.name), replica(salted.remote, history.name)
    before = run.look(source, target, ()).uncommitted
    history.write(branch, "unfinished", "unfinished")
    assert run.look(source, target, ()).uncommitted == before + 1
    known = [moved.id for moved in move(history, server, salted).moved.values()]
    target.write_bytes(branch, "mine", b"mine")
    assert run.look(source, target, (), known).made == 0
    history.commit(branch, "later")
    with pytest.raises(ConflictError, match=f"{branch} of .* has 1 uncommitted changes .* mine:"):
        run.look(source, target, (), known)


def test_what_is_new_in_the_source_follows(
    history: History, server: Served, salted: Served
) -> None:
    before = move(history, server, salted)
    history.write("side", "later", "later")
    history.commit("side", "later")
    history.merge("side", "main", message="later", strategy="source-wins")
    known = [moved.id for moved in before.moved.values()]
    after = move(history, server, salted, known=known)
    assert after.tally.commits == 2
    assert before.moved.items() <= after.moved.items()
    source, target = replica(server.remote, history.name), replica(salted.remote, history.name)
    assert target.head("main") == after.moved[source.head("main") or ""].id


@pytest.mark.parametrize(
    ("namespace", "message"),
    [("nowhere", "is no storage namespace"), ("s3://bucket/there", "refused to create")],
)
def test_a_namespace_that_the_store_does_not_have_is_refused(
    history: History, server: Served, salted: Served, namespace: str, message: str
) -> None:
    with pytest.raises(InvalidError, match=message):
        move(history, server, salted, namespace=namespace)
    assert replica(salted.remote, history.name).facts() is None


def test_a_lake_is_not_moved_to_itself(history: History, server: Served) -> None:
    with pytest.raises(InvalidError, match="is in already"):
        move(history, server, server)


def test_a_source_that_is_not_there_is_said(server: Served, salted: Served) -> None:
    source, target = replica(server.remote, "not-there"), replica(salted.remote, "not-there")
    with pytest.raises(NotFoundError, match="has no repository not-there"):
        run.look(source, target, ())


@pytest.mark.slow
def test_a_moved_lake_is_read_and_written_by_the_ids_that_it_had(
    history: History, server: Served, salted: Served
) -> None:
    outcome = move(history, server, salted)
    source = replica(server.remote, history.name)
    connection = open_connection(salted.remote, None)
    ids = CommitIds(outcome.moved, outcome.created)
    lake = MigratedLake(connection, history.name, lambda _: ids)
    assert lake.ensure("local://x") == outcome.created
    assert lake.tags() == source.tags()
    assert source.branches().items() <= lake.branches().items()
    first_parents = list(source.log("main", first_parent=True))
    assert list(lake.log("main", first_parent=True)) == first_parents
    by_id = {commit.id: commit for commit in source.log("main")}
    assert {commit.id: commit for commit in lake.log("main")} == by_id
    head, first = source.resolve("main"), source.resolve("main~1")
    assert lake.resolve("main") == lake.resolve(head.id) == lake.resolve(head.id[:12]) == head
    assert lake.resolve(outcome.moved[head.id].id) == head
    assert lake.resolve(f"{head.id[:9]}~1") == first
    assert lake.head("main") == head.id
    assert lake.merge_base("side", head.id) == source.merge_base("side", head.id)
    pair = (first.id, head.id)
    assert list(lake.diff(*pair, checksums=True)) == list(source.diff(*pair, checksums=True))
    assert lake.read(first.id, "dir/é +&?.txt") == b"two"
    lake.set_branch("new", first.id)
    lake.write_bytes("new", "new", b"new")
    made = lake.commit("new", "new", {})
    assert made.parents == (first.id,)
    merged = lake.merge(made.id, "new", "nothing", {})
    assert merged.parents == (made.id, made.id)
    lake.set_branch("new", first.id)
    assert lake.head("new") == first.id
    lake.tag("again", first.id)
    assert lake.tags("again") == {"again": first.id}
    lake.set_branch(head.id[:12], made.id)  # the name of a branch comes before digits of an id
    assert lake.resolve(head.id[:12]) == made
