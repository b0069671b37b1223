"""What is asked once of a commit, and what is asked anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lake.client import Lake, commit_answers
from lake.client.commit_answers import CommitAnswers
from lake.client.connection import Connection
from lake.errors import NotFoundError


@pytest.fixture
def asked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls that reach a lake which keeps what it is answered about commits."""
    calls: list[str] = []
    real = Connection._call

    def counted(self: Connection, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        calls.append(method.__name__)
        return real(self, method, *args, **more)

    lake.cleaned()  # asked once of a lake that another server serves, whatever is read
    monkeypatch.setattr(Connection, "_call", counted)
    lake.connection.answers = CommitAnswers()
    yield calls
    lake.connection.answers = None


def written(lake: Lake, path: str, data: bytes) -> str:
    lake.write_bytes("main", path, data)
    return lake.commit("main", "m", {}).id


def test_a_commit_is_asked_once(lake: Lake, asked: list[str]) -> None:
    first, second = written(lake, "a/1", b"one"), written(lake, "a/2", b"two")
    asked.clear()
    for _ in range(3):
        assert [each.path for each in lake.objects(second, "a/")] == ["a/1", "a/2"]
        assert lake.read(second, "a/2", 100) == b"two"
        assert lake.resolve(second).parents == (first,)
        assert [each.id for each in lake.log(second, first_parent=True)][:2] == [second, first]
        assert [each.path for each in lake.diff(first, second)] == ["a/2"]
    assert sorted(asked) == sorted(commit_answers.REFS)


def test_other_questions_have_answers_of_their_own(lake: Lake, asked: list[str]) -> None:
    first, second = written(lake, "a/1", b"one"), written(lake, "b/1", b"two")
    assert [each.path for each in lake.objects(first)] == ["a/1"]
    assert [each.path for each in lake.objects(second)] == ["a/1", "b/1"]
    assert [each.path for each in lake.objects(second, "b/")] == ["b/1"]
    assert lake.read(second, "b/1") == b"two"
    assert lake.read(second, "a/1") == b"one"
    assert list(lake.diff(second, first)) == []
    assert [each.path for each in lake.diff(second, first, three_dot=False)] == ["b/1"]
    with pytest.raises(NotFoundError):
        lake.read(first, "b/1")
    assert asked.count("get_object") == 3


def test_what_moves_is_asked_anew(lake: Lake, asked: list[str]) -> None:
    first = written(lake, "a/1", b"one")
    assert lake.resolve("main").id == first
    assert len(lake.objects("main")) == len(lake.objects(f"{first[:16]}")) == 1
    second = written(lake, "a/2", b"two")
    assert lake.resolve("main").id == second
    assert len(lake.objects("main")) == 2
    assert [each.path for each in lake.diff(first, "main")] == ["a/2"]
    third = written(lake, "a/3", b"three")
    assert [each.path for each in lake.diff(first, "main")] == ["a/2", "a/3"]
    assert [each.id for each in lake.log("main")][:3] == [third, second, first]
    assert asked.count("diff_refs") == 2


def test_large_objects_and_old_answers_are_not_kept(
    lake: Lake, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = written(lake, "large", b"x" * (commit_answers.LONGEST + 1))
    asked.clear()
    assert lake.read(commit, "large") == lake.read(commit, "large")
    assert asked == ["get_object", "get_object"]
    monkeypatch.setattr(commit_answers, "MOST", 2)
    asked.clear()
    for prefix in ("a", "b", "c", "c", "a"):
        assert lake.objects(commit, prefix) == []
    assert len(asked) == 4
