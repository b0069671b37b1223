"""Answers that a real lakeFS gave to the same questions, asked one area after the other.

What depends on its store (conditions and signed addresses are not there on a local one) is marked
`embedded`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.client import Lake, connect
from lake.errors import ForbiddenError
from lake.settings import Embedded
from tests.lake.servers import Served

pytestmark = pytest.mark.contract


def put(api: httpx.Client, repo: str, path: str, data: bytes = b"1", **more: Any) -> httpx.Response:
    where = f"{repo}/branches/{more.pop('branch', 'main')}/objects"
    return api.post(where, params={"path": path, **more.pop("query", {})}, content=data, **more)


def commit(api: httpx.Client, repo: str, branch: str = "main", **body: Any) -> dict[str, Any]:
    answer = api.post(f"{repo}/branches/{branch}/commits", json={"message": "m", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def branch(api: httpx.Client, repo: str, name: str, **body: Any) -> httpx.Response:
    return api.post(f"{repo}/branches", json={"name": name, "source": "main", **body})


def tag(api: httpx.Client, repo: str, name: str, ref: str = "main") -> httpx.Response:
    return api.post(f"{repo}/tags", json={"id": name, "ref": ref})


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line.get("id") or line["path"] for line in answer.json()["results"]]


@pytest.fixture
def frozen(api: httpx.Client, name: str, namespace: str) -> str:
    body = {"name": name, "storage_namespace": namespace, "read_only": True}
    assert api.post("/repositories", json=body).status_code == 201
    return f"/repositories/{name}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/branches/main/objects?path=a", None),
        ("DELETE", "/branches/main/objects?path=a", None),
        ("POST", "/branches/main/objects/delete", {"paths": ["a"]}),
        ("POST", "/branches/main/commits", {"message": "m", "allow_empty": True}),
        ("PUT", "/branches/main", {"type": "reset"}),
        ("PUT", "/branches/main/hard_reset?ref=main", None),
        ("POST", "/branches", {"name": "b", "source": "main"}),
        ("POST", "/tags", {"id": "t", "ref": "main"}),
        ("POST", "/refs/main/merge/main", {"allow_empty": True}),
        ("PUT", "/settings/branch_protection", [{"pattern": "x"}]),
        ("DELETE", "", None),
    ],
)
def test_a_read_only_repository_takes_no_change(
    api: httpx.Client, frozen: str, method: str, path: str, body: object
) -> None:
    answer = api.request(method, frozen + path, json=body)
    assert answer.status_code == 403, answer.text
    assert "read-only" in answer.json()["message"]
    assert api.get(frozen).status_code == 200


def test_a_read_only_repository_takes_forced_changes_and_metadata(
    api: httpx.Client, frozen: str
) -> None:
    assert put(api, frozen, "a", query={"force": "true"}).status_code == 201
    commit(api, frozen, force=True)
    assert branch(api, frozen, "b", force=True).status_code == 201
    gone = {"path": "a", "force": "true"}
    assert api.delete(f"{frozen}/branches/b/objects", params=gone).status_code == 204
    assert api.post(f"{frozen}/metadata", json={"metadata": {"k": "v"}}).status_code == 204
    assert api.get(f"{frozen}/metadata").json() == {"k": "v"}
    assert api.delete(frozen, params={"force": "true"}).status_code == 204


@pytest.mark.embedded
def test_repositories_are_local_bare_if_asked_for_and_found_by_part_of_their_name(
    api: httpx.Client, name: str
) -> None:
    body = {"name": name, "storage_namespace": f"s3://{name}"}
    assert api.post("/repositories", json=body).status_code == 400
    local = {**body, "storage_namespace": f"local://{name}"}
    assert api.post("/repositories", json={**local, "storage_id": "x"}).status_code == 400
    assert api.post("/repositories?bare=true", json=local).status_code == 201
    assert names(api.get(f"/repositories/{name}/branches")) == []
    assert names(api.get("/repositories", params={"search": name[2:]})) == [name]
    assert names(api.get("/repositories", params={"search": f"{name}x"})) == []


def test_no_ref_hides_another(api: httpx.Client, repo: str) -> None:
    head = api.get(f"{repo}/branches/main").json()["commit_id"]
    assert tag(api, repo, "v1").status_code == 201
    for taken in ("v1", "main", head):
        answer = branch(api, repo, taken)
        assert answer.status_code == 409, answer.text
        assert "branch already exists: not unique" in answer.json()["message"]
        answer = tag(api, repo, taken)
        assert answer.status_code == 409, answer.text
        assert "tag already exists: not unique" in answer.json()["message"]
    assert tag(api, repo, head[:10]).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("a/b", 400), ("@", 400), ("~tag", 201), ("v1@rc", 201), ("v$1", 201), ("a..b", 400)],
)
def test_names_of_tags(api: httpx.Client, repo: str, wanted: str, status: int) -> None:
    assert tag(api, repo, wanted).status_code == status


def test_hidden_branches_are_listed_where_they_are_asked_for(api: httpx.Client, repo: str) -> None:
    assert branch(api, repo, "secret", hidden=True).status_code == 201
    assert names(api.get(f"{repo}/branches")) == ["main"]
    shown = api.get(f"{repo}/branches", params={"show_hidden": "true"})
    assert names(shown) == ["main", "secret"]
    assert api.delete(f"{repo}/branches/secret").status_code == 204
    assert branch(api, repo, "secret").status_code == 201
    assert names(api.get(f"{repo}/branches")) == ["main", "secret"]


def test_staged_changes_are_no_commit_and_short_ids_are_ids(api: httpx.Client, repo: str) -> None:
    assert branch(api, repo, "b", source="main$").status_code == 400
    assert tag(api, repo, "t", "main$").status_code == 400
    assert api.get(f"{repo}/commits/main$").status_code == 400
    head = api.get(f"{repo}/branches/main").json()["commit_id"]
    assert api.get(f"{repo}/commits/{head[:1]}").json()["id"] == head
    assert tag(api, repo, "t").status_code == 201
    assert api.post(f"{repo}/refs/main/merge/t", json={"allow_empty": True}).status_code == 404


@pytest.mark.embedded
def test_an_upload_may_ask_for_the_object_that_it_replaces(api: httpx.Client, repo: str) -> None:
    first = put(api, repo, "a", b"1").json()["checksum"]
    for etag, status in [
        ('"0"', 412),
        (f'"{first}"', 201),
        (first, 412),
        ('"*"', 412),
        ("*", 201),
        ("a,b", 400),
    ]:
        assert put(api, repo, "a", b"2", headers={"If-Match": etag}).status_code == status, etag
    assert put(api, repo, "b", headers={"If-Match": "*"}).status_code == 412
    assert api.get(f"{repo}/refs/main/objects", params={"path": "a"}).content == b"2"


def staged(api: httpx.Client, repo: str, path: str, data: bytes) -> tuple[str, dict[str, Any]]:
    """Bytes behind a signed address; the operation to link them, and its body."""
    where = f"{repo}/branches/main/staging/backing"
    place = api.get(where, params={"path": path, "presign": "true"}).json()
    assert httpx.put(place["presigned_url"], content=data).status_code == 200
    return where, {"staging": place}


@pytest.mark.embedded
def test_a_link_may_ask_for_the_object_that_it_replaces(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a", b"1")
    where, body = staged(api, repo, "a", b"2")
    answer = api.put(where, params={"path": "a"}, json=body, headers={"If-Match": '"0"'})
    assert answer.status_code == 412, answer.text
    again = api.put(where, params={"path": "a"}, json=body)  # the bytes are still there
    assert again.status_code == 200, again.text


@pytest.mark.embedded
@pytest.mark.parametrize("wrong", [{"checksum": "0" * 32}, {"size_bytes": 3}])
def test_a_link_whose_bytes_are_not_what_is_said_is_refused(
    api: httpx.Client, repo: str, wrong: dict[str, Any]
) -> None:
    where, body = staged(api, repo, "a", b"12")
    answer = api.put(where, params={"path": "a"}, json={**body, **wrong})
    assert answer.status_code == 400, answer.text
    assert api.get(f"{repo}/refs/main/objects", params={"path": "a"}).status_code == 404
    assert (
        api.put(where, params={"path": "a"}, json=body).status_code == 200
    )  # they still are there


@pytest.mark.embedded
def test_a_link_whose_bytes_are_what_is_said_is_taken(api: httpx.Client, repo: str) -> None:
    where, body = staged(api, repo, "a", b"12")
    said = {"checksum": hashlib.md5(b"12", usedforsecurity=False).hexdigest(), "size_bytes": 2}
    assert api.put(where, params={"path": "a"}, json={**body, **said}).status_code == 200
    again = httpx.put(body["staging"]["presigned_url"], content=b"late")
    assert again.status_code == 404
    assert api.get(f"{repo}/refs/main/objects", params={"path": "a"}).content == b"12"


def test_a_stored_page_does_not_open_as_one_of_the_lake(api: httpx.Client, repo: str) -> None:
    put(api, repo, 'x/a"1.html', b"<script>", headers={"content-type": "text/html"})
    answer = api.get(f"{repo}/refs/main/objects", params={"path": 'x/a"1.html'})
    assert {name: answer.headers[name] for name in SHOWN_AS_DATA} == SHOWN_AS_DATA


SHOWN_AS_DATA = {
    "content-disposition": "attachment; filename=\"a_1.html\"; filename*=UTF-8''a%221.html",
    "cache-control": "no-store, must-revalidate",
    "expires": "0",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "x-frame-options": "SAMEORIGIN",
}


def test_user_metadata_keeps_its_case_and_is_left_out_where_it_is_not_wanted(
    api: httpx.Client, repo: str
) -> None:
    put(api, repo, "a")
    where = f"{repo}/branches/main/objects/stat/user_metadata"
    answer = api.put(where, params={"path": "a"}, json={"set": {"Key": "v"}})
    assert answer.status_code == 204
    stat = f"{repo}/refs/main/objects/stat"
    assert api.get(stat, params={"path": "a"}).json()["metadata"] == {"Key": "v"}
    bare = {"path": "a", "user_metadata": "false"}
    assert "metadata" not in api.get(stat, params=bare).json()
    listed = api.get(f"{repo}/refs/main/objects/ls", params={"user_metadata": "false"})
    assert "metadata" not in listed.json()["results"][0]
    read = api.get(f"{repo}/refs/main/objects", params={"path": "a"})
    assert read.headers["x-lakefs-meta-key"] == "v"


def test_copies_removals_preflights_and_pages(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a")
    objects = f"{repo}/branches/main/objects"
    copied = api.post(
        f"{objects}/copy", params={"dest_path": "b"}, json={"src_path": "a", "shallow": True}
    )
    assert copied.status_code == 501
    many = [str(number) for number in range(1001)]
    assert api.post(f"{objects}/delete", json={"paths": many}).status_code == 400
    answer = api.post(f"{objects}/delete", json={"paths": [""]})
    assert (answer.status_code, answer.json()) == (200, {"errors": []})
    assert api.request("OPTIONS", objects, params={"path": "a"}).status_code == 204
    for amount, status in [("5000", 400), ("1000", 200), ("-1", 200), ("-2", 400)]:
        listed = api.get(f"{repo}/refs/main/objects/ls", params={"amount": amount})
        assert listed.status_code == status, amount


def test_a_commit_can_take_the_tree_of_another(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a")
    tree = commit(api, repo)["meta_range_id"]
    put(api, repo, "b")
    commit(api, repo)
    where = f"{repo}/branches/main/commits"
    answer = api.post(where, params={"source_metarange": tree}, json={"message": "m"})
    assert answer.status_code == 201, answer.text
    assert names(api.get(f"{repo}/refs/main/objects/ls")) == ["a"]
    unknown = api.post(where, params={"source_metarange": "0" * 64}, json={"message": "m"})
    assert unknown.status_code == 404


def test_a_diff_has_sizes_of_what_is_gone_and_the_right_side_if_asked_for(
    api: httpx.Client, repo: str
) -> None:
    put(api, repo, "a", b"123")
    put(api, repo, "b", b"12")
    before = commit(api, repo)["id"]
    api.delete(f"{repo}/branches/main/objects", params={"path": "a"})
    put(api, repo, "b", b"1")
    commit(api, repo)
    diff = f"{repo}/refs/{before}/diff/main"
    lines = api.get(diff).json()["results"]
    assert [(line["path"], line["size_bytes"]) for line in lines] == [("a", 3), ("b", 1)]
    assert not any("right" in line for line in lines)
    asked = api.get(diff, params={"include_right_stats": "true"}).json()["results"]
    assert ["right" in line for line in asked] == [False, True]


@pytest.mark.parametrize(
    ("asked", "noted"),
    [("", "default"), ("source-wins", "source-wins"), ("dest-wins", "dest-wins")],
)
def test_a_merge_notes_its_strategy(api: httpx.Client, repo: str, asked: str, noted: str) -> None:
    branch(api, repo, "work")
    put(api, repo, "a", branch="work")
    commit(api, repo, "work")
    body = {"strategy": asked, "metadata": {"k": "v"}}
    merged = api.post(f"{repo}/refs/work/merge/main", json=body).json()["reference"]
    metadata = api.get(f"{repo}/commits/{merged}").json()["metadata"]
    assert metadata == {".lakefs.merge.strategy": noted, "k": "v"}


def test_a_conflict_names_no_commit(api: httpx.Client, repo: str) -> None:
    branch(api, repo, "work")
    for where, data in [("main", b"1"), ("work", b"2")]:
        put(api, repo, "a", data, branch=where)
        commit(api, repo, where)
    answer = api.post(f"{repo}/refs/work/merge/main", json={})
    assert answer.status_code == 409
    assert answer.json()["reference"] == ""


def test_a_cherry_pick_keeps_where_it_comes_from(api: httpx.Client, repo: str) -> None:
    branch(api, repo, "work")
    put(api, repo, "a", branch="work")
    made = commit(api, repo, "work", metadata={"k": "v"})
    answer = api.post(f"{repo}/branches/main/cherry-pick", json={"ref": "work"})
    assert answer.json()["metadata"] == {
        "k": "v",
        "cherry-pick-origin": made["id"],
        "cherry-pick-committer": made["committer"],
    }


def test_a_revert_of_a_merge_asks_for_the_parent(api: httpx.Client, repo: str) -> None:
    branch(api, repo, "work")
    put(api, repo, "a", branch="work")
    commit(api, repo, "work")
    api.post(f"{repo}/refs/work/merge/main", json={}).raise_for_status()
    answer = api.post(f"{repo}/branches/main/revert", json={"ref": "main"})
    assert answer.status_code == 409


def test_a_hard_reset_forgets_staged_changes(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a")
    answer = api.put(f"{repo}/branches/main/hard_reset", params={"ref": "main"})
    assert answer.status_code == 204
    assert names(api.get(f"{repo}/refs/main/objects/ls")) == []


def test_a_protected_branch_is_a_glob_and_names_each_path_of_a_removal(
    api: httpx.Client, repo: str, name: str, server: Served
) -> None:
    branch(api, repo, "hot-1")
    put(api, repo, "a", branch="hot-1")
    commit(api, repo, "hot-1")
    rules = [{"pattern": "{rel,hot}-*"}]
    api.put(f"{repo}/settings/branch_protection", json=rules).raise_for_status()
    assert put(api, repo, "b", branch="hot-1").status_code == 403
    answer = api.post(f"{repo}/branches/hot-1/objects/delete", json={"paths": ["a", "b"]})
    errors = [(error["path"], error["status_code"]) for error in answer.json()["errors"]]
    assert (answer.status_code, errors) == (200, [("a", 403), ("b", 403)])
    lake: Lake = connect(Embedded(server.home), name)
    with pytest.raises(ForbiddenError, match="delete a on hot-1: cannot write to protected branch"):
        lake.delete("hot-1", ["a"])


def test_there_are_no_rules_of_collection_and_the_user_has_a_name(
    api: httpx.Client, repo: str, server: Served
) -> None:
    assert api.get(f"{repo}/settings/gc_rules").status_code == 404
    assert api.put(f"{repo}/settings/gc_rules", json={}).status_code == 501
    user = api.get("/user").json()["user"]
    assert user["friendly_name"] == user["id"] == server.remote.access_key_id
    assert user["email"] == ""
    assert user["creation_date"] > 1_700_000_000


def test_commits_name_the_user_that_the_lake_is_served_for(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home", more=["--user", "Ada"])
    with served.http() as api:
        api.post(
            "/repositories", json={"name": "named", "storage_namespace": "local://named"}
        ).raise_for_status()
        assert api.get("/user").json()["user"]["id"] == "Ada"
        made = commit(api, "/repositories/named", allow_empty=True)
        assert made["committer"] == "Ada"
