"""Scripts of the end-of-life client `lakefs-client` 1.44 read and write the lake unchanged."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from lakefs_client import Configuration, models
from lakefs_client.client import LakeFSClient
from lakefs_client.exceptions import ApiException, NotFoundException

from tests.lake.servers import Served

NUMBERS = itertools.count(1)


@pytest.fixture
def client(sampled: Served) -> LakeFSClient:
    remote = sampled.remote
    settings = Configuration(
        host=remote.endpoint,
        username=remote.access_key_id,
        password=remote.secret_access_key,
    )
    return LakeFSClient(settings)


@pytest.fixture
def repo(client: LakeFSClient) -> str:
    name = f"legacy-{next(NUMBERS)}"
    wanted = models.RepositoryCreation(
        name=name, storage_namespace=f"local://{name}", default_branch="main"
    )
    assert client.repositories_api.create_repository(wanted).id == name
    return name


def write(client: LakeFSClient, repo: str, branch: str, path: str, data: bytes) -> Any:
    return client.objects_api.upload_object(repo, branch, path, content=io.BytesIO(data))


def read(client: LakeFSClient, repo: str, ref: str, path: str) -> bytes:
    with client.objects_api.get_object(repo, ref, path) as found:
        data: bytes = found.read()
    return data


def commit(client: LakeFSClient, repo: str, branch: str, message: str) -> Any:
    wanted = models.CommitCreation(message=message, metadata={"by": "legacy"})
    return client.commits_api.commit(repo, branch, wanted)


def test_it_writes_commits_diffs_merges_and_reads(client: LakeFSClient, repo: str) -> None:
    stats = write(client, repo, "main", "a.txt", b"one")
    assert (stats.path, stats.size_bytes) == ("a.txt", 3)
    first = commit(client, repo, "main", "first")
    branch = models.BranchCreation(name="work", source="main")
    assert client.branches_api.create_branch(repo, branch) == first.id
    write(client, repo, "work", "a.txt", b"two")
    write(client, repo, "work", "b/c.txt", b"new")
    staged = client.branches_api.diff_branch(repo, "work").results
    assert [(item.path, item.type) for item in staged] == [
        ("a.txt", "changed"),
        ("b/c.txt", "added"),
    ]
    commit(client, repo, "work", "second")
    changes = client.refs_api.diff_refs(repo, "main", "work").results
    assert [(item.path, item.type) for item in changes] == [
        ("a.txt", "changed"),
        ("b/c.txt", "added"),
    ]
    assert read(client, repo, "main", "a.txt") == b"one"
    merged = client.refs_api.merge_into_branch(repo, "work", "main")
    assert client.branches_api.get_branch(repo, "main").commit_id == merged.reference
    assert read(client, repo, "main", "a.txt") == b"two"
    assert read(client, repo, f"{merged.reference}~1", "a.txt") == b"one"
    log = client.refs_api.log_commits(repo, "main").results
    assert [item.message for item in log][1:3] == ["second", "first"]
    assert log[1].metadata == {"by": "legacy"}


def test_it_lists_tags_reverts_and_deletes(client: LakeFSClient, repo: str) -> None:
    for number in range(3):
        write(client, repo, "main", f"d/{number}", b"x")
    made = commit(client, repo, "main", "three")
    client.tags_api.create_tag(repo, models.TagCreation(id="v1", ref="main"))
    assert [tag.id for tag in client.tags_api.list_tags(repo).results] == ["v1"]
    listed = client.objects_api.list_objects(repo, "v1", prefix="d/").results
    assert [item.path for item in listed] == ["d/0", "d/1", "d/2"]
    folded = client.objects_api.list_objects(repo, "v1", delimiter="/").results
    assert [(item.path, item.path_type) for item in folded] == [("d/", "common_prefix")]
    wanted = models.RevertCreation(ref=made.id, parent_number=1)
    client.branches_api.revert_branch(repo, "main", wanted)
    assert client.objects_api.list_objects(repo, "main").results == []
    assert client.objects_api.stat_object(repo, "v1", "d/0").size_bytes == 1
    client.tags_api.delete_tag(repo, "v1")
    client.repositories_api.delete_repository(repo)
    with pytest.raises(NotFoundException):
        client.repositories_api.get_repository(repo)


def test_it_sees_errors_as_lakefs_says_them(client: LakeFSClient, repo: str) -> None:
    with pytest.raises(NotFoundException):
        client.objects_api.stat_object(repo, "main", "absent")
    with pytest.raises(ApiException) as refused:
        commit(client, repo, "main", "nothing")
    assert refused.value.status == 400
    with pytest.raises(ApiException) as missing:
        client.metadata_api.get_meta_range(repo, "1")
    assert missing.value.status == 501
    assert "metadata/meta_range/1" in missing.value.body
