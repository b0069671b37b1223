"""The log, filtered by what commits changed, by time, and by where to stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import lakefs
import pytest


@pytest.fixture
def history(repository: lakefs.Repository) -> list[str]:
    """Ids of commits, oldest first: a, b/1, b/2, a again, and a merge that brings in c."""
    main = repository.branch("main")
    made = []
    for path in ("a", "b/1", "b/2"):
        main.object(path).upload(path.encode())
        made.append(main.commit(path).get_commit().id)
    main.object("a").upload(b"changed")
    made.append(main.commit("again").get_commit().id)
    side = repository.branch("side").create("main")
    side.object("c").upload(b"c")
    made.append(side.commit("c").get_commit().id)
    made.append(side.merge_into("main"))
    return made


def found(api: httpx.Client, repo: str, **query: object) -> list[str]:
    answer = api.get(f"{repo}/refs/main/commits", params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["results"]]


def test_objects_and_prefixes_choose_the_commits_that_changed_them(
    api: httpx.Client, repo: str, history: list[str]
) -> None:
    a, one, two, again, c, _merge = history
    assert found(api, repo, objects=["a"]) == [again, a]
    assert found(api, repo, prefixes=["b/"]) == [two, one]
    assert found(api, repo, objects=["a", "c"], prefixes=["b/2"]) == [c, again, two, a]
    assert found(api, repo, objects=["absent"]) == []
    assert found(api, repo, objects=["a"], amount=1) == [again]
    assert found(api, repo, objects=["a"], amount=1, after=again) == [a]


def test_a_limit_says_nothing_of_more(api: httpx.Client, repo: str, history: list[str]) -> None:
    assert history
    where = f"{repo}/refs/main/commits"
    for limit, more in (("true", False), ("false", True)):
        page = api.get(where, params={"amount": 2, "limit": limit}).json()
        assert len(page["results"]) == 2
        assert page["pagination"]["has_more"] is more


def test_the_log_stops_where_it_is_told(api: httpx.Client, repo: str, history: list[str]) -> None:
    assert found(api, repo, stop_at=history[3])[-1] == history[3]
    assert api.get(f"{repo}/refs/main/commits", params={"stop_at": "no"}).status_code == 404
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert found(api, repo, since=soon) == []
    assert len(found(api, repo, since="2020-01-01T00:00:00Z")) == len(history) + 1
    for wrong in ("now", "12", "9999-99-99T00:00:00Z"):
        assert api.get(f"{repo}/refs/main/commits", params={"since": wrong}).status_code == 400


def test_lakefs_filters_the_log(repository: lakefs.Repository, history: list[str]) -> None:
    log = repository.branch("main").log(objects=["a"], since=datetime(2020, 1, 1, tzinfo=UTC))
    assert [commit.id for commit in log] == [history[3], history[0]]
