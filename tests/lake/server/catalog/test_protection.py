"""Protected branches take changes by merge only; metadata of repositories and objects."""

from __future__ import annotations

import httpx
import lakefs
import lakefs_sdk
import pytest
from lakefs.exceptions import ForbiddenException

RULES = "/settings/branch_protection"


@pytest.fixture
def protected(api: httpx.Client, repo: str) -> str:
    """The repository with a commit, a branch `work`, something staged on main, and a rule."""
    where = f"{repo}/branches/main"
    api.post(f"{where}/objects", params={"path": "a"}, content=b"1").raise_for_status()
    api.post(f"{where}/commits", json={"message": "m"}).raise_for_status()
    api.post(f"{repo}/branches", json={"name": "work", "source": "main"}).raise_for_status()
    answer = api.put(repo + RULES, json=[{"pattern": "ma*n"}])
    assert answer.status_code == 204
    return repo


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/objects?path=x", None),
        ("PUT", "/objects?path=x", {"physical_address": "local:///x"}),
        ("DELETE", "/objects?path=a", None),
        ("POST", "/objects/copy?dest_path=b", {"src_path": "a"}),
        ("PUT", "/objects/stat/user_metadata?path=a", {"set": {"k": "v"}}),
        ("PUT", "/staging/backing?path=x", {"staging": {"physical_address": "local://x"}}),
        ("POST", "/commits", {"message": "m", "allow_empty": True}),
        ("PUT", "", {"type": "reset"}),
        ("PUT", "/hard_reset?ref=main", None),
        ("POST", "/import", {"paths": [], "commit": {"message": "m"}}),
    ],
)
def test_a_direct_change_is_refused(
    api: httpx.Client, protected: str, method: str, path: str, body: object
) -> None:
    before = api.get(f"{protected}/branches/main").json()
    answer = api.request(method, f"{protected}/branches/main{path}", json=body)
    assert answer.status_code == 403, answer.text
    assert "protected" in answer.json()["message"]
    assert api.get(f"{protected}/branches/main").json() == before
    assert api.get(f"{protected}/branches/main/diff").json()["results"] == []
    allowed = api.post(f"{protected}/branches/work/objects", params={"path": "x"}, content=b"1")
    assert allowed.status_code == 201


def test_merges_and_reverts_are_not_direct(api: httpx.Client, protected: str) -> None:
    work = f"{protected}/branches/work"
    api.post(f"{work}/objects", params={"path": "x"}, content=b"1").raise_for_status()
    api.post(f"{work}/commits", json={"message": "m"}).raise_for_status()
    assert api.post(f"{protected}/refs/work/merge/main", json={}).status_code == 200
    wanted = {"ref": "main", "parent_number": 1}
    assert api.post(f"{protected}/branches/main/revert", json=wanted).status_code == 204


def test_rules_are_set_listed_and_removed(api: httpx.Client, repo: str) -> None:
    first = api.get(repo + RULES)
    assert first.json() == []
    seen = {"If-Match": first.headers["ETag"]}
    assert api.put(repo + RULES, json=[{"pattern": "v?"}], headers=seen).status_code == 204
    assert api.put(repo + RULES, json=[], headers=seen).status_code == 412
    assert api.get(repo + RULES).json() == [{"pattern": "v?"}]
    old = f"{repo}/branch_protection"
    assert api.post(old, json={"pattern": "w*"}).status_code == 204
    assert api.post(old, json={"pattern": "w*"}).status_code == 400
    assert api.get(old).json() == [{"pattern": "v?"}, {"pattern": "w*"}]
    assert api.request("DELETE", old, json={"pattern": "v?"}).status_code == 204
    assert api.request("DELETE", old, json={"pattern": "v?"}).status_code == 404
    assert api.get(repo + RULES).json() == [{"pattern": "w*"}]
    assert api.delete(repo + RULES).status_code == 204
    assert api.get(repo + RULES).json() == []


@pytest.mark.parametrize(
    "body", [{}, [{}], [{"pattern": ""}], [{"pattern": 1}], ["main"], [{"pattern": "x" * 257}]]
)
def test_rules_that_are_none_are_refused(api: httpx.Client, repo: str, body: object) -> None:
    assert api.put(repo + RULES, json=body).status_code == 400
    assert api.get(repo + RULES).json() == []


def test_lakefs_sets_rules_and_meets_them(
    sdk: lakefs.Client, repository: lakefs.Repository
) -> None:
    rules = [lakefs_sdk.BranchProtectionRule(pattern="main")]
    sdk.sdk_client.repositories_api.set_branch_protection_rules(repository.id, rules)
    assert sdk.sdk_client.repositories_api.get_branch_protection_rules(repository.id) == rules
    with pytest.raises(ForbiddenException):
        repository.branch("main").object("x").upload(b"1", pre_sign=False)
    with pytest.raises(ForbiddenException):
        repository.branch("main").commit("m", allow_empty=True)


def test_metadata_of_a_repository(sdk: lakefs.Client, repository: lakefs.Repository) -> None:
    repositories = sdk.sdk_client.repositories_api
    assert repository.metadata == {}
    for metadata in ({"a": "1", "b": "2"}, {"b": "3"}):
        wanted = lakefs_sdk.RepositoryMetadataSet(metadata=metadata)
        sdk.sdk_client.internal_api.set_repository_metadata(repository.id, wanted)
    assert repositories.get_repository_metadata(repository.id) == {"a": "1", "b": "3"}
    gone = lakefs_sdk.RepositoryMetadataKeys(keys=["a", "absent"])
    sdk.sdk_client.internal_api.delete_repository_metadata(repository.id, gone)
    assert repositories.get_repository_metadata(repository.id) == {"b": "3"}


def test_metadata_of_an_object_is_replaced(
    sdk: lakefs.Client, repository: lakefs.Repository
) -> None:
    branch = repository.branch("main")
    branch.object("a").upload(b"1", metadata={"old": "1"})
    branch.commit("m")
    wanted = lakefs_sdk.UpdateObjectUserMetadata(set={"new": "2"})
    update = sdk.sdk_client.experimental_api.update_object_user_metadata
    update(repository.id, "main", "a", wanted)
    assert branch.object("a").stat().metadata == {"new": "2"}
    assert [change.type for change in branch.uncommitted()] == ["changed"]
    with pytest.raises(lakefs_sdk.exceptions.NotFoundException):
        update(repository.id, "main", "absent", wanted)
