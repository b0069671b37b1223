"""Requests that meet: each is done as a whole, one after the other or refused, and none is lost."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from tests.lake.servers import Served

THREADS = 6
ROUNDS = 8


def together(served: Served, work: Callable[[httpx.Client, int], None], count: int) -> None:
    """Do the same from several clients, as much at once as can be."""
    ready, failed = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        with served.http() as api:
            ready.wait()
            try:
                work(api, number)
            except BaseException as error:  # noqa: BLE001  the test fails with it
                failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def put(
    api: httpx.Client, repo: str, path: str, data: bytes, branch: str = "main", **more: Any
) -> int:
    where = f"{repo}/branches/{branch}/objects"
    return api.post(where, params={"path": path}, content=data, **more).status_code


def commit(api: httpx.Client, repo: str, message: str, branch: str = "main") -> httpx.Response:
    return api.post(f"{repo}/branches/{branch}/commits", json={"message": message})


def log(api: httpx.Client, repo: str, ref: str = "main") -> list[dict[str, Any]]:
    found = api.get(f"{repo}/refs/{ref}/commits", params={"amount": 1000}).json()
    assert not found["pagination"]["has_more"]
    results: list[dict[str, Any]] = found["results"]
    return results


def listed(api: httpx.Client, repo: str, ref: str) -> set[str]:
    found = api.get(f"{repo}/refs/{ref}/objects/ls", params={"amount": 1000}).json()["results"]
    return {item["path"] for item in found}


def test_commits_on_one_branch_are_serialised(server: Served, api: httpx.Client, repo: str) -> None:
    made: list[str] = []
    wrote: list[str] = []

    def work(own: httpx.Client, number: int) -> None:
        for turn in range(ROUNDS):
            path = f"{number}/{turn}"
            assert put(own, repo, path, path.encode()) == 201
            wrote.append(path)
            answer = commit(own, repo, path)
            assert answer.status_code in (201, 400), answer.text  # another one took it along
            if answer.status_code == 201:
                made.append(answer.json()["id"])

    together(server, work, THREADS)
    history = log(api, repo)
    assert {item["id"] for item in history} >= set(made)
    assert len(history) == len(made) + 1
    assert all(len(item["parents"]) == 1 for item in history[:-1])
    assert [item["id"] for item in history[1:]] == [item["parents"][0] for item in history[:-1]]
    assert listed(api, repo, "main@") == set(wrote)


def test_merges_into_one_branch_are_serialised_or_refused(
    server: Served, api: httpx.Client, repo: str
) -> None:
    merged: list[tuple[int, str]] = []
    for number in range(THREADS):
        wanted = {"name": f"b{number}", "source": "main"}
        api.post(f"{repo}/branches", json=wanted).raise_for_status()

    def work(own: httpx.Client, number: int) -> None:
        branch = f"b{number}"
        for turn in range(4):
            assert put(own, repo, f"{number}/{turn}", b"own", branch) == 201
            assert put(own, repo, f"shared/{turn}", branch.encode(), branch) == 201
            commit(own, repo, "m", branch).raise_for_status()
            answer = own.post(f"{repo}/refs/{branch}/merge/main", json={})
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                merged.append((number, answer.json()["reference"]))

    together(server, work, THREADS)
    # The first merge of `shared` wins, and all later ones of other branches conflict with it.
    assert len({number for number, _ in merged}) == 1
    assert merged
    history = {item["id"] for item in log(api, repo)}
    assert {name for _, name in merged} <= history
    number = merged[0][0]
    assert {f"{number}/{turn}" for turn in range(4)} <= listed(api, repo, "main")


def test_merges_that_do_not_conflict_all_arrive(
    server: Served, api: httpx.Client, repo: str
) -> None:
    def work(own: httpx.Client, number: int) -> None:
        branch = f"b{number}"
        wanted = {"name": branch, "source": "main"}
        own.post(f"{repo}/branches", json=wanted).raise_for_status()
        for turn in range(4):
            assert put(own, repo, f"{number}/{turn}", b"own", branch) == 201
            commit(own, repo, "m", branch).raise_for_status()
            own.post(f"{repo}/refs/{branch}/merge/main", json={}).raise_for_status()

    together(server, work, THREADS)
    assert len(log(api, repo)) == 1 + 2 * 4 * THREADS
    assert listed(api, repo, "main") == {
        f"{number}/{turn}" for number in range(THREADS) for turn in range(4)
    }


def test_a_write_beside_commits_is_committed_or_still_staged(
    server: Served, api: httpx.Client, repo: str
) -> None:
    last: dict[str, bytes] = {}

    def work(own: httpx.Client, number: int) -> None:
        for turn in range(3 * ROUNDS):
            if number == 0:
                assert commit(own, repo, "m").status_code in (201, 400)
            else:
                path, data = f"{number}/{turn % 2}", f"{number} {turn}".encode()
                assert put(own, repo, path, data) == 201
                last[path] = data
                found = own.get(f"{repo}/refs/main/objects", params={"path": path})
                assert found.content == data  # at once, wherever it is by now

    together(server, work, 4)
    commit(api, repo, "the rest")
    for path, data in last.items():
        assert api.get(f"{repo}/refs/main@/objects", params={"path": path}).content == data
    assert api.get(f"{repo}/branches/main/diff").json()["results"] == []


@pytest.mark.parametrize("committed", [False, True])
def test_of_writers_that_want_a_free_path_one_wins(
    server: Served, api: httpx.Client, repo: str, committed: bool
) -> None:
    for turn in range(ROUNDS):
        path, codes = f"free/{turn}", list[tuple[int, int]]()
        together(server, partial(claim, repo, path, codes), THREADS)
        assert sorted(code for code, _ in codes) == [201] + [412] * (THREADS - 1)
        winner = min(codes)[1]
        found = api.get(f"{repo}/refs/main/objects", params={"path": path})
        assert found.content == str(winner).encode()
        if committed:
            commit(api, repo, "m").raise_for_status()
            claim(repo, path, codes, api, THREADS)
            assert codes[-1] == (412, THREADS)


def claim(
    repo: str, path: str, codes: list[tuple[int, int]], api: httpx.Client, number: int
) -> None:
    """Write to a path if it is free."""
    only = {"If-None-Match": "*"}
    codes.append((put(api, repo, path, str(number).encode(), headers=only), number))


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_of_writers_that_want_a_free_name_one_wins(server: Served, repo: str, kind: str) -> None:
    codes: list[int] = []
    key, source = ("name", "source") if kind == "branches" else ("id", "ref")

    def work(own: httpx.Client, _number: int) -> None:
        codes.append(own.post(f"{repo}/{kind}", json={key: "new", source: "main"}).status_code)

    together(server, work, THREADS)
    assert sorted(codes) == [201] + [409] * (THREADS - 1)


def test_equal_bytes_that_arrive_together_are_one_sound_object(
    server: Served, api: httpx.Client, repo: str
) -> None:
    data = hashlib.shake_128(repo.encode()).digest(200_000)

    def work(own: httpx.Client, number: int) -> None:
        assert put(own, repo, f"twin/{number}", data) == 201

    together(server, work, THREADS)
    for number in range(THREADS):
        found = api.get(f"{repo}/refs/main/objects", params={"path": f"twin/{number}"})
        assert found.content == data
