"""Many objects at once: all of them or none, each as if it had been written alone."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from lake.client import Lake
from lake.errors import NotFoundError
from tests.lake.servers import Served


def test_many_objects_are_written_as_if_one_by_one(lake: Lake) -> None:
    """More than a call takes on the embedded lake; elsewhere each is a call of its own."""
    count = 100 if lake.connection.home is None else 1200
    items = {f"many/{number:04d}": b"%d" % (number % 7) for number in range(count)}
    lake.write_many("main", items, "text/plain")
    commit = lake.commit("main", "many", {})
    held = {item.path: item.checksum for item in lake.objects(commit.id)}
    assert held == {
        path: hashlib.md5(data, usedforsecurity=False).hexdigest() for path, data in items.items()
    }
    assert lake.read(commit.id, "many/0008") == b"1"


def test_a_batch_for_a_missing_branch_is_refused(lake: Lake) -> None:
    with pytest.raises(NotFoundError):
        lake.write_many("nowhere", {"a": b"a"})


def test_a_batch_with_a_foreign_address_stages_nothing(
    api: httpx.Client, server: Served, repo: str
) -> None:
    batch = f"{repo}/branches/main/staging/batch"
    offered = api.post(batch, json={"paths": ["a", "b"]}).json()["addresses"]
    for address in offered:
        (server.home / "staging" / address.rpartition("/")[2]).write_bytes(b"x")
    swapped = {"paths": ["b", "a"], "addresses": offered}
    assert api.put(batch, json=swapped).status_code == 400
    twice = {"paths": ["a", "b"], "addresses": offered[:1] * 2}
    assert api.put(batch, json=twice).status_code == 400
    assert api.get(f"{repo}/refs/main/objects/ls").json()["results"] == []
    assert api.put(batch, json={"paths": ["a", "b"], "addresses": offered}).status_code == 204
    assert api.put(batch, json={"paths": ["a", "b"], "addresses": offered}).status_code == 400
    listed = api.get(f"{repo}/refs/main/objects/ls").json()["results"]
    assert [item["path"] for item in listed] == ["a", "b"]


@pytest.mark.parametrize("body", [{}, {"paths": "a"}, {"paths": [1]}, {"paths": [""]}])
def test_a_batch_that_is_no_list_of_paths_is_refused(
    api: httpx.Client, repo: str, body: dict[str, object]
) -> None:
    assert api.post(f"{repo}/branches/main/staging/batch", json=body).status_code == 400
