"""Webhooks of a served lake: they refuse, they are told, and their runs are on record.

What any lakeFS server does is marked `contract`; one that is named has to reach this machine.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import lakefs
import pytest
from lakefs.exceptions import LakeFSException
from lakefs_sdk.exceptions import ApiException, NotFoundException

from lake.polling import until
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.receiver import Receiver, agree, refuse
from tests.lake.servers import Served, command, environment

PAIRS = [
    *("commit", "merge", "create-branch", "delete-branch", "create-tag", "delete-tag"),
]


def action(url: str, *events: str, name: str = "gate", branches: str = "", more: str = "") -> str:
    """An action file with one hook."""
    on = "\n".join(
        f"  {event}:{f' {{branches: {branches}}}' if branches else ''}" for event in events
    )
    return f"""
name: {name}
on:
{on}
hooks:
  - id: ask
    type: webhook
    properties:
      url: {url}
{more}
"""


def put(api: httpx.Client, repo: str, path: str, data: str, branch: str = "main") -> None:
    answer = api.post(f"{repo}/branches/{branch}/objects", params={"path": path}, content=data)
    assert answer.status_code == 201, answer.text


def commit(api: httpx.Client, repo: str, branch: str = "main", **body: Any) -> httpx.Response:
    return api.post(f"{repo}/branches/{branch}/commits", json={"message": "m", **body})


def install(api: httpx.Client, repo: str, text: str, name: str = "gate.yaml") -> str:
    """Commit an action file to main; return the commit."""
    put(api, repo, f"_lakefs_actions/{name}", text)
    answer = commit(api, repo)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def head(api: httpx.Client, repo: str, branch: str = "main") -> str:
    return str(api.get(f"{repo}/branches/{branch}").json()["commit_id"])


def runs(api: httpx.Client, repo: str, count: int, **query: object) -> list[dict[str, Any]]:
    """The runs on record, once there are so many: those after a change come when they come."""

    def found() -> list[dict[str, Any]]:
        answer = api.get(f"{repo}/actions/runs", params=query)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    until(lambda: len(found()) >= count, interval=0.02, timeout=10)
    assert len(found()) == count, found()
    return found()


@pytest.mark.contract
def test_a_hook_before_a_merge_refuses_it(
    repository: lakefs.Repository, sdk: lakefs.Client, receiver: Receiver
) -> None:
    main, path = repository.branch("main"), f"/{repository.id}"
    text = action(receiver.hook(path, refuse), "pre-merge", branches="[main]")
    main.object("_lakefs_actions/gate.yaml").upload(text)
    main.commit("Add a gate")
    side = repository.branch("side").create("main")
    side.object("a.txt").upload("1")
    source = side.commit("Add a", metadata={"k": "v"}).get_commit().id
    before = main.get_commit().id

    with pytest.raises(LakeFSException) as refused:
        side.merge_into(main, message="Merge a", metadata={"m": "n"})
    assert refused.value.status_code == 412  # type: ignore[attr-defined]
    assert main.get_commit().id == before
    assert not main.object("a.txt").exists()

    actions = sdk.sdk_client.actions_api
    (run,) = actions.list_repository_runs(repository.id, branch="main").results
    (hook,) = actions.list_run_hooks(repository.id, run.run_id).results
    output = actions.get_run_hook_output(repository.id, run.run_id, hook.hook_run_id).decode()
    assert (run.event_type, run.status, run.branch) == ("pre-merge", "failed", "main")
    assert (hook.action, hook.hook_id, hook.status) == ("gate", "ask", "failed")
    assert "status code: 403" in output
    assert "the rows are too few" in output
    message = str(refused.value)
    for part in ("pre-merge hook aborted", run.run_id, "'gate'", "'ask'", "status code: 403"):
        assert part in message
    (call,) = receiver.calls(path)
    assert call.event["event_type"] == "pre-merge"
    assert call.event["repository_id"] == repository.id
    assert call.event["branch_id"] == "main"
    assert call.event["source_ref"] == source
    assert call.event["commit_message"] == "Merge a"
    assert call.event["commit_metadata"]["m"] == "n"
    assert call.event["committer"]

    receiver.hook(path, agree)
    merged = side.merge_into(main, message="Merge a")
    assert main.get_commit().id == merged
    newest = actions.list_repository_runs(repository.id).results[0]
    assert (newest.status, newest.commit_id) == ("completed", merged)


@pytest.mark.contract
def test_every_event_says_what_happens(api: httpx.Client, repo: str, receiver: Receiver) -> None:
    name = repo.rpartition("/")[2]
    path = f"/{name}/all"
    url = receiver.hook(path)
    events = [f"{when}-{what}" for what in PAIRS for when in ("pre", "post")]
    first = install(api, repo, action(url, *events))
    receiver.waited(path, 2)
    assert api.post(f"{repo}/branches", json={"name": "b", "source": "main"}).status_code == 201
    receiver.waited(path, 4)
    put(api, repo, "a", "1", "b")
    made = commit(api, repo, "b", metadata={"k": "v"}).json()["id"]
    receiver.waited(path, 6)
    merged = api.post(f"{repo}/refs/b/merge/main", json={"message": "merge"}).json()["reference"]
    receiver.waited(path, 8)
    assert api.delete(f"{repo}/branches/b").status_code == 204
    receiver.waited(path, 10)
    assert api.post(f"{repo}/tags", json={"id": "v1", "ref": "main"}).status_code == 201
    receiver.waited(path, 12)
    assert api.delete(f"{repo}/tags/v1").status_code == 204
    said = [call.event for call in receiver.waited(path, 14)]

    assert all(one["repository_id"] == name and one["hook_id"] == "ask" for one in said)
    assert all(one["action_name"] == "gate" and one["event_time"].endswith("Z") for one in said)
    shown = [
        tuple(one.get(key, "") for key in ("event_type", "branch_id", "tag_id", "source_ref"))
        for one in said
    ]
    assert shown == [
        ("pre-commit", "main", "", "main"),
        ("post-commit", "main", "", first),
        ("pre-create-branch", "b", "", "main"),
        ("post-create-branch", "b", "", "main"),
        ("pre-commit", "b", "", "b"),
        ("post-commit", "b", "", made),
        ("pre-merge", "main", "", made),
        ("post-merge", "main", "", merged),
        ("pre-delete-branch", "b", "", made),
        ("post-delete-branch", "b", "", made),
        ("pre-create-tag", "", "v1", merged),
        ("post-create-tag", "", "v1", merged),
        ("pre-delete-tag", "", "v1", merged),
        ("post-delete-tag", "", "v1", merged),
    ]
    assert said[5]["commit_id"] == made
    assert said[5]["commit_metadata"] == {"k": "v"}
    assert said[7]["commit_id"] == merged
    assert said[7]["commit_message"] == "merge"
    of_merge = runs(api, repo, 2, commit=merged, branch="main")
    assert {run["event_type"] for run in of_merge} == {"pre-merge", "post-merge"}


def test_a_merge_is_announced_with_its_id(api: httpx.Client, repo: str, receiver: Receiver) -> None:
    path = f"{repo}/announced"
    install(api, repo, action(receiver.hook(path), "pre-merge"))
    api.post(f"{repo}/branches", json={"name": "b", "source": "main"})
    put(api, repo, "a", "1", "b")
    commit(api, repo, "b")
    merged = api.post(f"{repo}/refs/b/merge/main", json={}).json()["reference"]
    (call,) = receiver.calls(path)
    assert (call.event["commit_id"], call.event["merge_source"]) == (merged, "b")


@pytest.mark.contract
@pytest.mark.parametrize("pair", PAIRS)
def test_every_change_can_be_refused_and_then_nothing_has_changed(
    api: httpx.Client, repo: str, receiver: Receiver, pair: str
) -> None:
    path = f"{repo}/{pair}"
    url = receiver.hook(path)
    put(api, repo, "_lakefs_actions/gate.yaml", action(url, f"pre-{pair}"))
    assert commit(api, repo).status_code == 201
    for method, where, body in _preparations(pair):
        assert api.request(method, repo + where, json=body).status_code < 300
    if pair in ("commit", "merge"):
        put(api, repo, "a", "1", "b" if pair == "merge" else "main")
    if pair == "merge":
        assert commit(api, repo, "b").status_code == 201
    receiver.hook(path, refuse)
    before = _state(api, repo)
    method, where, body = _changes(pair)
    answer = api.request(method, repo + where, json=body)
    assert answer.status_code == 412, answer.text
    assert f"pre-{pair} hook aborted" in answer.json()["message"]
    assert _state(api, repo) == before
    receiver.hook(path, agree)
    assert api.request(method, repo + where, json=body).status_code < 300
    assert _state(api, repo) != before


def _preparations(pair: str) -> list[tuple[str, str, Any]]:
    branch = ("POST", "/branches", {"name": "b", "source": "main"})
    return {
        "merge": [branch],
        "delete-branch": [branch],
        "delete-tag": [("POST", "/tags", {"id": "t", "ref": "main"})],
    }.get(pair, [])


def _changes(pair: str) -> tuple[str, str, Any]:
    return {
        "commit": ("POST", "/branches/main/commits", {"message": "m"}),
        "merge": ("POST", "/refs/b/merge/main", {}),
        "create-branch": ("POST", "/branches", {"name": "c", "source": "main"}),
        "delete-branch": ("DELETE", "/branches/b", None),
        "create-tag": ("POST", "/tags", {"id": "u", "ref": "main"}),
        "delete-tag": ("DELETE", "/tags/t", None),
    }[pair]


def _state(api: httpx.Client, repo: str) -> list[Any]:
    """Branches, tags and uncommitted changes."""
    places = ("/branches", "/tags", "/branches/main/diff", "/refs/main/commits")
    return [api.get(repo + place).json()["results"] for place in places]


@pytest.mark.contract
def test_a_hook_after_a_change_never_undoes_it(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    url = receiver.hook(f"{repo}/after", refuse)
    made = install(api, repo, action(url, "post-commit"))
    assert head(api, repo) == made
    (run,) = runs(api, repo, 1, commit=made)
    assert (run["event_type"], run["status"]) == ("post-commit", "failed")


@pytest.mark.contract
def test_hooks_after_a_failed_one_are_skipped_and_so_recorded(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    text = action(receiver.hook(f"{repo}/1"), "pre-commit")
    for number, (condition, answer) in enumerate(
        [("success()", refuse), ("", agree), ("failure()", agree), ("true", agree)], 2
    ):
        text += f"""
  - id: hook{number}
    type: webhook
    if: {condition}
    properties: {{url: "{receiver.hook(f"{repo}/{number}", answer)}"}}
"""
    put(api, repo, "_lakefs_actions/gate.yaml", text)
    answer = commit(api, repo)
    assert answer.status_code == 412
    assert "failed on action 'gate' hook 'hook2'" in answer.json()["message"]
    assert [len(receiver.calls(f"{repo}/{number}")) for number in range(1, 6)] == [1, 1, 0, 1, 1]
    (run,) = runs(api, repo, 1)
    answer = api.get(f"{repo}/actions/runs/{run['run_id']}/hooks")
    hooks = answer.json()["results"]
    assert [hook["status"] for hook in hooks] == [
        *("completed", "failed", "failed", "completed", "completed"),
    ]
    assert [hook["hook_run_id"] for hook in hooks] == [f"0000_{number:04}" for number in range(5)]
    assert hooks[2]["start_time"].startswith("0001-01-01")


def test_the_record_of_a_skipped_hook_says_why(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    text = (
        action(receiver.hook(f"{repo}/why", refuse), "pre-commit")
        + f"""
  - id: later
    type: webhook
    properties: {{url: "{receiver.hook(f"{repo}/later")}"}}
"""
    )
    put(api, repo, "_lakefs_actions/gate.yaml", text)
    assert commit(api, repo).status_code == 412
    (run,) = runs(api, repo, 1)
    output = api.get(f"{repo}/actions/runs/{run['run_id']}/hooks/0000_0001/output")
    assert output.text == "Skipped: hook 'ask' failed before it (if: success())\n"


@pytest.mark.contract
def test_a_hook_that_does_not_answer_in_time_has_failed(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    let = threading.Event()

    def slow(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        let.wait(20)
        return 200, b"", {}

    url = receiver.hook(f"{repo}/slow", slow)
    put(api, repo, "_lakefs_actions/a.yaml", action(url, "pre-commit", more="      timeout: 300ms"))
    answer = commit(api, repo)
    let.set()
    assert answer.status_code == 412, answer.text
    assert api.get(f"{repo}/branches/main/diff").json()["results"]


def test_a_slow_drip_is_no_answer_in_time(api: httpx.Client, repo: str, receiver: Receiver) -> None:
    """An answer whose body does not end; each byte in time is not enough."""
    url = receiver.hook(f"{repo}/drip", lambda _: (200, b"x", {"content-length": "100"}))
    text = action(url, "pre-commit", more="      timeout: 300ms")
    put(api, repo, "_lakefs_actions/a.yaml", text)
    answer = commit(api, repo)
    assert answer.status_code == 412
    assert "webhook request failed" in answer.json()["message"]


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{", "_lakefs_actions/bad.yaml"),
        ("name: xy\nhooks: []", "on"),
        ("name: xy\non: {pre-comit: }\nhooks: [{id: ab, type: webhook}]", "pre-comit"),
        ("name: xy\non: {pre-commit: }\nhooks: [{id: ab, type: weebhook}]", "type"),
    ],
)
def test_a_broken_action_file_is_refused_when_it_is_committed(
    api: httpx.Client, repo: str, text: str, message: str
) -> None:
    put(api, repo, "_lakefs_actions/bad.yaml", text)
    answer = commit(api, repo)
    assert answer.status_code == 412, answer.text
    assert message in answer.json()["message"]


def test_a_broken_action_file_can_be_taken_away(api: httpx.Client, repo: str) -> None:
    put(api, repo, "_lakefs_actions/bad.yaml", "{{")
    put(api, repo, "a", "1")
    assert commit(api, repo).status_code == 412
    bad = {"path": "_lakefs_actions/bad.yaml"}
    assert api.delete(f"{repo}/branches/main/objects", params=bad).status_code == 204
    assert commit(api, repo).status_code == 201


def test_a_broken_action_file_that_was_there_before_is_refused_at_its_events(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """As a server that passes over what it cannot run has taken it."""
    before = InProcessLake(tmp_path / "home")
    text = action("http://a.example", "pre-merge").replace("webhook", "lua")
    before.write("_lakefs_actions/lua.yaml", text.encode())
    made = before.commit()
    before.lake.catalog.refs.create("tags", REPO, "v1", made)
    before.branch("side")
    repo = f"/repositories/{REPO}"
    with serve(tmp_path / "home").http() as api:
        assert api.post(f"{repo}/branches", json={"name": "b", "source": "v1"}).status_code == 201
        put(api, repo, "a", "1", "b")
        assert commit(api, repo, "b").status_code == 201
        merge = api.post(f"{repo}/refs/b/merge/main", json={})
        assert "lua.yaml: `hooks[0].type` is lua" in merge.json()["message"]
        assert (merge.status_code, head(api, repo)) == (412, made)
        assert api.delete(f"{repo}/tags/v1").status_code == 204
        assert api.delete(f"{repo}/branches/side").status_code == 204
        put(api, repo, "_lakefs_actions/lua.yaml", f"{text} ", "b")
        assert commit(api, repo, "b").status_code == 412  # what is new is refused at once


def test_two_files_do_not_share_a_name(api: httpx.Client, repo: str, receiver: Receiver) -> None:
    url = receiver.hook(f"{repo}/twice")
    install(api, repo, action(url, "pre-merge"), "a.yaml")
    put(api, repo, "_lakefs_actions/b.yaml", action(url, "post-merge"))
    answer = commit(api, repo)
    assert answer.status_code == 412
    assert "b.yaml: `name` is 'gate' as in _lakefs_actions/a.yaml" in answer.json()["message"]


def test_two_branches_that_each_add_a_name_do_not_merge(
    api: httpx.Client, repo: str, receiver: Receiver
) -> None:
    api.post(f"{repo}/branches", json={"name": "side", "source": "main"})
    url = receiver.hook(f"{repo}/merged")
    made = install(api, repo, action(url, "post-merge"), "a.yaml")
    put(api, repo, "_lakefs_actions/b.yaml", action(url, "post-merge"), "side")
    assert commit(api, repo, "side").status_code == 201
    merge = api.post(f"{repo}/refs/side/merge/main", json={})
    assert "b.yaml: `name` is 'gate' as in _lakefs_actions/a.yaml" in merge.json()["message"]
    assert (merge.status_code, head(api, repo)) == (412, made)
    put(api, repo, "_lakefs_actions/b.yaml", action(url, "post-merge", name="other"), "side")
    assert commit(api, repo, "side").status_code == 201
    assert api.post(f"{repo}/refs/side/merge/main", json={}).status_code == 200


def test_a_file_that_calls_another_address_is_refused(api: httpx.Client, repo: str) -> None:
    put(api, repo, "_lakefs_actions/a.yaml", action("http://169.254.169.254/latest", "post-merge"))
    answer = commit(api, repo)
    assert answer.status_code == 412
    assert (
        "`hooks[0].properties.url` names http://169.254.169.254/latest" in answer.json()["message"]
    )
    assert "stemma lake serve --hook-address http://169.254.169.254`" in answer.json()["message"]


def test_a_redirect_is_not_followed(api: httpx.Client, repo: str, receiver: Receiver) -> None:
    other = receiver.hook(f"{repo}/other")
    url = receiver.hook(f"{repo}/moved", lambda _: (307, b"", {"location": other}))
    put(api, repo, "_lakefs_actions/a.yaml", action(url, "pre-commit"))
    answer = commit(api, repo)
    assert answer.status_code == 412
    assert "status code: 307" in answer.json()["message"]
    assert not receiver.calls(f"{repo}/other")


def test_a_lake_that_may_call_nothing_fails_closed(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    repo, url = "/repositories/repo", receiver.hook("/closed")
    first = serve(tmp_path / "home", more=["--hook-address", receiver.url])
    with first.http() as api:
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        install(api, repo, action(url, "pre-merge"))
        api.post(f"{repo}/branches", json={"name": "b", "source": "main"})
        put(api, repo, "a", "1", "b")
        commit(api, repo, "b")
    first.stop()
    with serve(tmp_path / "home").http() as api:
        put(api, repo, "b", "1", "b")
        assert commit(api, repo, "b").status_code == 201  # the file was there before
        answer = api.post(f"{repo}/refs/b/merge/main", json={})
        assert answer.status_code == 412
        assert "this server may call no address" in answer.json()["message"]
    assert not receiver.calls("/closed")


def test_an_address_that_is_none_ends_the_server_with_a_sentence(tmp_path: Path) -> None:
    words = [*command(tmp_path / "home"), "--hook-address", "http://127.1"]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 4
    assert ended.stderr.startswith("lake: --hook-address http://127.1: the URL must name a host")
    assert len(ended.stderr.splitlines()) == 1


def test_secrets_reach_the_receiver_and_no_record(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    def echo(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        return 403, b"I was sent t0ken", {"x-echo": "t0ken"}

    variables = {"LAKEFSACTIONS_TOKEN": "t0ken", "OTHER": "never"}
    served = serve(tmp_path / "home", more=["--hook-address", receiver.url], extra=variables)
    repo, more = "/repositories/repo", "      headers: {x-token: 'Bearer {{ ENV.%s }}'}"
    with served.http() as api:
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        url = receiver.hook("/secret", echo)
        for name in ("OTHER", "LAKEFSACTIONS_ABSENT"):
            put(api, repo, "_lakefs_actions/a.yaml", action(url, "pre-commit", more=more % name))
            assert commit(api, repo).status_code == 412
        assert not receiver.calls("/secret")
        text = action(url, "pre-commit", more=more % "LAKEFSACTIONS_TOKEN")
        put(api, repo, "_lakefs_actions/a.yaml", text)
        answer = commit(api, repo)
        newest = api.get(f"{repo}/actions/runs").json()["results"][0]["run_id"]
        output = api.get(f"{repo}/actions/runs/{newest}/hooks/0000_0000/output").text
    (call,) = receiver.calls("/secret")
    assert call.headers["x-token"] == "Bearer t0ken"
    assert "t0ken" not in answer.text + output
    assert "x-token: *******" in output
    assert "I was sent *******" in output
    log = tmp_path / "home" / "server.log"
    assert not log.exists() or b"t0ken" not in log.read_bytes()


def test_the_commit_of_an_import_asks_too(
    serve: Callable[..., Served], tmp_path: Path, receiver: Receiver
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("1")
    more = ["--hook-address", receiver.url, "--import-from", str(source)]
    served = serve(tmp_path / "home", more=more)
    repo, location = "/repositories/repo", f"local://{source}"
    paths = [{"type": "common_prefix", "path": location, "destination": "in/"}]
    with served.http() as api:
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        install(api, repo, action(receiver.hook("/import"), "pre-commit"))
        receiver.hook("/import", refuse)
        assert "pre-commit hook aborted" in _imported(api, repo, paths)["error"]["message"]
        receiver.hook("/import", agree)
        assert _imported(api, repo, paths)["completed"]
    assert receiver.calls("/import")[-1].event["commit_message"] == "Import objects"


def _imported(api: httpx.Client, repo: str, paths: list[dict[str, str]]) -> dict[str, Any]:
    place = f"{repo}/branches/main/import"
    started = api.post(place, json={"paths": paths, "commit": {"message": ""}})
    assert started.status_code == 202, started.text

    def status() -> dict[str, Any]:
        found: dict[str, Any] = api.get(place, params={"id": started.json()["id"]}).json()
        return found

    until(lambda: status()["completed"] or "error" in status(), interval=0.02, timeout=10)
    return status()


@pytest.mark.contract
def test_runs_are_listed_newest_first_and_page_by_page(
    api: httpx.Client, repo: str, sdk: lakefs.Client, receiver: Receiver
) -> None:
    name = repo.rpartition("/")[2]
    install(api, repo, action(receiver.hook(f"{repo}/pages"), "pre-commit"))
    for number in range(4):
        put(api, repo, "a", str(number))
        assert commit(api, repo).status_code == 201
    actions = sdk.sdk_client.actions_api
    everything = actions.list_repository_runs(name).results
    assert len(everything) == 5
    assert [run.run_id for run in everything] == sorted(run.run_id for run in everything)
    assert everything[0].commit_id == head(api, repo)
    starts = [run.start_time for run in everything]
    assert starts == sorted(starts, reverse=True)
    page = actions.list_repository_runs(name, amount=2)
    rest = actions.list_repository_runs(name, after=page.pagination.next_offset)
    assert [*page.results, *rest.results] == everything
    assert actions.get_run(name, everything[3].run_id) == everything[3]
    assert not actions.list_repository_runs(name, branch="other").results
    with pytest.raises(NotFoundException):
        actions.get_run(name, "absent")
    with pytest.raises(ApiException):
        actions.get_run_hook_output(name, everything[0].run_id, "absent")
