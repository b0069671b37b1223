"""Hooks that take their time: who else can work, what is committed, and what a kill leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.home import LakeHome
from lake.polling import until
from lake.server import failpoints
from lake.server.failpoints import Failpoint
from lake.server.maintenance import fsck
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.receiver import Receiver, agree, refuse
from tests.lake.servers import Served

ACTION = """
name: gate
on: {pre-commit: {branches: [main]}, pre-delete-branch: , post-commit: {branches: [told]}}
hooks:
  - id: ask
    type: webhook
    properties: {url: "%s", timeout: 30s}
"""
Answer = tuple[int, bytes, dict[str, str]]


class Holding:
    """An answer that is given when the test says so, and what happens while it waits."""

    def __init__(self, status: int = 200) -> None:
        self.asked = threading.Event()
        self.let = threading.Event()
        self.status = status

    def __call__(self, _: dict[str, Any]) -> Answer:
        self.asked.set()
        self.let.wait(20)
        return self.status, b"", {}


def put(api: httpx.Client, repo: str, path: str, data: str, branch: str = "main") -> int:
    place = f"{repo}/branches/{branch}/objects"
    return api.post(place, params={"path": path}, content=data).status_code


def commit(api: httpx.Client, repo: str, branch: str = "main") -> httpx.Response:
    return api.post(f"{repo}/branches/{branch}/commits", json={"message": "m"})


def install(api: httpx.Client, repo: str, url: str) -> None:
    put(api, repo, "_lakefs_actions/gate.yaml", ACTION % url)
    assert commit(api, repo).status_code == 201


def read(api: httpx.Client, repo: str, path: str, ref: str = "main") -> str:
    return api.get(f"{repo}/refs/{ref}/objects", params={"path": path}).text


class Waiting:
    """A request in a thread of its own."""

    def __init__(self, call: Callable[[], httpx.Response]) -> None:
        self.answer: httpx.Response | None = None
        self.error: Exception | None = None

        def run() -> None:
            try:
                self.answer = call()
            except httpx.HTTPError as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def result(self) -> httpx.Response:
        self.thread.join(20)
        assert self.answer is not None, self.error
        return self.answer


def test_a_hook_that_hangs_keeps_nobody_else_waiting(
    api: httpx.Client, repo: str, server: Served, receiver: Receiver
) -> None:
    holding, path = Holding(403), f"{repo}/hangs"
    install(api, repo, receiver.hook(path))
    receiver.hook(path, holding)
    put(api, repo, "a", "1")
    other = f"{repo}-other"
    body = {"name": other.rpartition("/")[2], "storage_namespace": f"local:/{other}"}
    with server.http() as others:
        # More than the server has threads for requests.
        hanging = [Waiting(lambda: commit(others, repo)) for _ in range(45)]
        try:
            assert holding.asked.wait(10)
            assert read(api, repo, "a") == "1"
            assert api.get(f"{repo}/refs/main/commits").status_code == 200
            assert put(api, repo, "b", "1") == 201  # of the same branch
            assert api.post("/repositories", json=body).status_code == 201
            put(api, other, "a", "1")
            assert commit(api, other).status_code == 201
            assert not any(one.answer or one.error for one in hanging)
        finally:
            holding.let.set()
        assert [one.result().status_code for one in hanging] == [412] * len(hanging)


def test_what_is_committed_is_what_the_hook_was_shown(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    """Whoever stages while a hook is asked makes it be asked again, about both."""
    path, seen = f"{repo}/shown", list[str]()

    def look(event: dict[str, Any]) -> Answer:
        listed = api.get(f"{repo}/branches/{event['branch_id']}/diff").json()["results"]
        seen.append(",".join(item["path"] for item in listed))
        if len(seen) == 1:
            assert put(api, repo, "second", "2") == 201
        return 200, b"", {}

    install(api, repo, receiver.hook(path))
    receiver.hook(path, look)
    put(api, repo, "first", "1")
    made = commit(api, repo).json()
    assert seen == ["first", "first,second"]
    assert read(api, repo, "second", made["id"]) == "2"
    runs = api.get(f"{repo}/actions/runs").json()["results"]
    assert [run["commit_id"] for run in runs][:2] == [made["id"], ""]


def test_a_hook_that_refuses_the_second_time_refuses(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    path = f"{repo}/second"

    def look(event: dict[str, Any]) -> Answer:
        put(api, repo, "second", "2")
        receiver.hook(path, refuse)
        return agree(event)

    install(api, repo, receiver.hook(path))
    receiver.hook(path, look)
    put(api, repo, "first", "1")
    assert commit(api, repo).status_code == 412


def test_a_branch_that_never_rests_is_a_conflict(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    path = f"{repo}/restless"

    def move(event: dict[str, Any]) -> Answer:
        put(api, repo, "moving", str(len(receiver.calls(path))))
        return agree(event)

    install(api, repo, receiver.hook(path))
    receiver.hook(path, move)
    put(api, repo, "first", "1")
    asked = len(receiver.calls(path))
    answer = commit(api, repo)
    assert answer.status_code == 409
    assert "moved 3 times while the hooks before its change ran" in answer.json()["message"]
    assert len(receiver.calls(path)) == asked + 3


def test_a_branch_that_moves_while_its_end_is_asked_for_is_asked_for_again(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    path, sources = f"{repo}/end", list[str]()

    def look(event: dict[str, Any]) -> Answer:
        if event["event_type"] == "pre-delete-branch":
            sources.append(event["source_ref"])
            if len(sources) == 1:
                put(api, repo, "late", "1", "side")
                assert commit(api, repo, "side").status_code == 201
        return agree(event)

    install(api, repo, receiver.hook(path))
    api.post(f"{repo}/branches", json={"name": "side", "source": "main"})
    receiver.hook(path, look)
    assert api.delete(f"{repo}/branches/side").status_code == 204
    assert len(set(sources)) == 2


@contextmanager
def stopped_by(receiver: Receiver, path: str, holding: Holding) -> Iterator[None]:
    """Let an answer go whatever the test does."""
    receiver.hook(path, holding)
    try:
        yield
    finally:
        holding.let.set()


def test_a_kill_while_a_hook_runs_leaves_nothing(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    served = serve(tmp_path / "home", more=["--hook-address", receiver.url])
    repo, holding = "/repositories/repo", Holding()
    with served.http() as api, stopped_by(receiver, "/killed", holding):
        receiver.hook("/killed")
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        install(api, repo, f"{receiver.url}/killed")
        before = api.get(f"{repo}/branches/main").json()["commit_id"]
        receiver.hook("/killed", holding)
        put(api, repo, "a", "1")
        waiting = Waiting(lambda: commit(api, repo))
        assert holding.asked.wait(10)
        served.kill()
        waiting.thread.join(20)
        holding.let.set()
    assert waiting.answer is None
    assert not fsck.check(LakeHome(tmp_path / "home")).problems
    receiver.hook("/killed")
    with serve(tmp_path / "home", more=["--hook-address", receiver.url]).http() as api:
        assert api.get(f"{repo}/branches/main").json()["commit_id"] == before
        assert len(api.get(f"{repo}/actions/runs").json()["results"]) == 1  # that of the install
        assert commit(api, repo).status_code == 201


def test_a_kill_between_agreement_and_change_leaves_the_record_alone(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    fault, more = tmp_path / "fault", ["--hook-address", receiver.url]
    served = serve(tmp_path / "home", more=more, extra={failpoints.VARIABLE: str(fault)})
    repo, url = "/repositories/repo", receiver.hook("/agreed")
    with served.http() as api:
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        install(api, repo, url)
        before = api.get(f"{repo}/branches/main").json()["commit_id"]
        put(api, repo, "a", "1")
        fault.write_text(Failpoint.CHANGE_COMMITTED)  # that of the record, which comes first
        with pytest.raises(httpx.TransportError):
            commit(api, repo)
    served.process.wait(10)
    assert not fsck.check(LakeHome(tmp_path / "home")).problems
    with serve(tmp_path / "home", more=more).http() as api:
        assert api.get(f"{repo}/branches/main").json()["commit_id"] == before
        newest = api.get(f"{repo}/actions/runs").json()["results"][0]
        assert (newest["status"], newest["commit_id"]) == ("completed", "")
        assert commit(api, repo).status_code == 201


def test_a_server_that_is_stopped_waits_for_no_hook(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    served = serve(tmp_path / "home", more=["--hook-address", receiver.url])
    repo, holding = "/repositories/repo", Holding()
    with served.http() as api, stopped_by(receiver, "/stopped", holding):
        receiver.hook("/stopped")
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        install(api, repo, f"{receiver.url}/stopped")
        receiver.hook("/stopped", holding)
        put(api, repo, "a", "1")
        waiting = Waiting(lambda: commit(api, repo))
        assert holding.asked.wait(10)
        served.stop()  # fails where it takes more than ten seconds
        answer = waiting.result()
    assert answer.status_code == 412
    assert "the server was stopped while it ran" in answer.json()["message"]
    with serve(tmp_path / "home").http() as api:
        newest = api.get(f"{repo}/actions/runs").json()["results"][0]
        assert (newest["event_type"], newest["status"]) == ("pre-commit", "failed")


@pytest.mark.slow
def test_an_idle_server_waits_for_the_hooks_after_a_change(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    served = serve(tmp_path / "home", idle=1, more=["--hook-address", receiver.url])
    repo, holding = "/repositories/repo", Holding()
    with served.http() as api, stopped_by(receiver, "/told", holding):
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        api.post(f"{repo}/branches", json={"name": "told", "source": "main"})
        put(api, repo, "_lakefs_actions/gate.yaml", ACTION % f"{receiver.url}/told", "told")
        assert commit(api, repo, "told").status_code == 201
        assert holding.asked.wait(10)
        assert not until(lambda: served.process.poll() is not None, interval=0.1, timeout=3)
        holding.let.set()
        assert until(lambda: served.process.poll() is not None, interval=0.05, timeout=15)
    runs = InProcessLake.opened(tmp_path / "home").lake.actions.runs
    (run,) = runs.page("repo", "", 10).items
    assert (run.event, run.passed) == ("post-commit", True)


def test_the_oldest_runs_go(local: InProcessLake) -> None:
    from lake.server.actions.runs import MAX_RUNS, HookRun, Run, new_id  # noqa: PLC0415

    actions = local.lake.actions
    ids = [new_id() for _ in range(MAX_RUNS + 5)]
    with actions.database.change():
        for name in ids:
            run = Run(name, "pre-commit", "main", "main", "", 1, 2, passed=True)
            hook = HookRun("0000_0000", "a", "b", 1, 2, passed=True, output="o")
            actions.runs.save(REPO, run, [hook])
    page = actions.runs.page(REPO, "", 1000)
    assert page.next is None
    assert [run.id for run in page.items] == ids[:4:-1]
    count = actions.database.connection.execute("SELECT count(*) FROM action_hooks").fetchone()
    assert count == (MAX_RUNS,)
    local.lake.catalog.delete_repository(REPO)
    run = Run(new_id(), "pre-commit", "main", "main", "", 1, 2, passed=True)
    actions.runs.save(REPO, run, [])  # of a repository that is gone meanwhile
    assert not actions.database.connection.execute("SELECT count(*) FROM action_runs").fetchone()[0]
