"""Imports: from directories that are allowed, hashed by the server, in one commit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import lakefs
import pytest
from lakefs.exceptions import ConflictException, ForbiddenException

from lake.polling import until
from tests.lake.servers import Served

REPO = "/repositories/imports"
BRANCH = f"{REPO}/branches/main"
QUICK = timedelta(seconds=0.05)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory to import from, and one beside it that may not be."""
    place = tmp_path_factory.mktemp("source")
    (place / "allowed/deep/er").mkdir(parents=True)
    (place / "allowed/a.txt").write_bytes(b"a")
    (place / "allowed/deep/b.bin").write_bytes(bytes(3 << 20))
    (place / "allowed/deep/er/c.txt").write_bytes(b"c")
    (place / "secret.txt").write_bytes(b"secret")
    return place


@pytest.fixture
def served(serve: Callable[..., Served], source: Path, tmp_path: Path) -> Served:
    return serve(tmp_path / "home", more=["--import-from", str(source / "allowed")])


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    with served.http() as client:
        wanted = {"name": "imports", "storage_namespace": "local://imports"}
        client.post("/repositories", json=wanted).raise_for_status()
        yield client


@pytest.fixture
def branch(served: Served, api: httpx.Client) -> lakefs.Branch:
    assert api.get(BRANCH).status_code == 200
    return lakefs.Repository("imports", client=served.client()).branch("main")


def stage(api: httpx.Client, address: str, path: str = "x") -> httpx.Response:
    body = {"physical_address": address, "checksum": "wrong", "size_bytes": 7}
    return api.put(f"{BRANCH}/objects", params={"path": path}, json=body)


def begin(api: httpx.Client, *paths: dict[str, Any]) -> httpx.Response:
    body = {"paths": list(paths), "commit": {"message": "m"}}
    return api.post(f"{BRANCH}/import", json=body)


def listing(api: httpx.Client) -> list[str]:
    found = api.get(f"{REPO}/refs/main/objects/ls").json()["results"]
    return [item["path"] for item in found]


def test_lakefs_imports_prefixes_and_objects(
    api: httpx.Client, branch: lakefs.Branch, source: Path
) -> None:
    manager = branch.import_data("brought in", metadata={"k": "v"})
    manager.prefix(f"local://{source}/allowed/deep", "data/")
    manager.object(f"local://{source}/allowed/a.txt", "top.txt")
    status = manager.run(poll_interval=QUICK)
    assert (status.completed, status.ingested_objects, status.error) == (True, 3, None)
    assert listing(api) == ["data/b.bin", "data/er/c.txt", "top.txt"]
    commit = api.get(f"{REPO}/commits/main").json()
    assert (commit["message"], commit["metadata"]) == ("brought in", {"k": "v"})
    assert status.commit is not None
    assert status.commit.id == commit["id"]
    query = {"path": "data/b.bin"}
    stats = api.get(f"{REPO}/refs/main/objects/stat", params=query).json()
    assert stats["checksum"] == hashlib.md5(bytes(3 << 20), usedforsecurity=False).hexdigest()
    assert api.get(f"{REPO}/refs/main/objects", params=query).content == bytes(3 << 20)
    assert (source / "allowed/deep/b.bin").stat().st_mode & 0o200


def test_a_prefix_replaces_what_was_under_it(
    api: httpx.Client, branch: lakefs.Branch, source: Path
) -> None:
    for path in ("data/old", "other/old"):
        branch.object(path).upload(b"old")
    branch.commit("before")
    manager = branch.import_data().prefix(f"local://{source}/allowed", "data")
    manager.run(poll_interval=QUICK)
    expected = ["data/a.txt", "data/deep/b.bin", "data/deep/er/c.txt", "other/old"]
    assert listing(api) == expected


def test_only_allowed_directories_are_read(api: httpx.Client, served: Served, source: Path) -> None:
    outside = [
        f"local://{source}/secret.txt",
        f"local://{source}/allowed/../secret.txt",
        f"local://{served.home}/credentials.json",
        "local:///etc/passwd",
        f"local://{source}/allowed-not",
    ]
    for address in outside:
        item = {"type": "object", "path": address, "destination": "x"}
        assert begin(api, item).status_code == 403, address
        assert stage(api, address).status_code == 403, address
    folder = {"type": "common_prefix", "path": f"local://{source}", "destination": ""}
    assert begin(api, folder).status_code == 403
    assert listing(api) == []


def test_an_address_of_no_file_is_refused(api: httpx.Client, source: Path) -> None:
    (source / "allowed/circle").symlink_to("circle")
    try:
        for name in ("x" * 300, "gone", "circle"):
            assert stage(api, f"local://{source}/allowed/{name}").status_code == 400
    finally:
        (source / "allowed/circle").unlink()


def test_a_link_out_of_the_directory_is_refused(api: httpx.Client, source: Path) -> None:
    link = source / "allowed" / "link"
    link.symlink_to(source / "secret.txt")
    try:
        item = {"type": "object", "path": f"local://{link}", "destination": "x"}
        assert begin(api, item).status_code == 403
        folder = {
            "type": "common_prefix",
            "path": f"local://{source}/allowed",
            "destination": "all/",
        }
        name = begin(api, folder).json()["id"]
        status: dict[str, Any] = {}
        while "error" not in status:
            status = api.get(f"{BRANCH}/import", params={"id": name}).json()
        assert not status["completed"]
        assert "leads out of" in status["error"]["message"]
    finally:
        link.unlink()
    assert listing(api) == []


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"type": "object", "path": "s3://bucket/key", "destination": "x"}, 400),
        ({"type": "object", "path": "local://relative", "destination": "x"}, 400),
        ({"type": "object", "path": "local:///a\x00b", "destination": "x"}, 400),
        ({"type": "object", "path": "{allowed}", "destination": "x"}, 400),
        ({"type": "object", "path": "{allowed}/nowhere", "destination": "x"}, 400),
        ({"type": "object", "path": "{allowed}/a.txt", "destination": ""}, 400),
        ({"type": "object", "path": "{allowed}/a.txt", "destination": "../x"}, 400),
        ({"type": "common_prefix", "path": "{allowed}/a.txt", "destination": "x"}, 400),
        ({"type": "common_prefix", "path": "{allowed}", "destination": "x\x00/"}, 400),
        ({"type": "everything", "path": "{allowed}", "destination": "x"}, 400),
        ({"path": "{allowed}"}, 400),
    ],
)
def test_an_import_that_cannot_be_is_refused(
    api: httpx.Client, source: Path, item: dict[str, Any], status: int
) -> None:
    allowed = f"local://{source}/allowed"
    asked = {**item, "path": item["path"].replace("{allowed}", allowed)}
    answer = begin(api, asked)
    assert answer.status_code == status, answer.text
    assert answer.json()["message"]


def test_an_import_needs_a_clean_branch_and_something_new(api: httpx.Client, source: Path) -> None:
    item = {"type": "object", "path": f"local://{source}/allowed/a.txt", "destination": "x"}
    api.post(f"{BRANCH}/objects", params={"path": "dirty"}, content=b"1")
    assert begin(api, item).status_code == 400
    assert begin(api).status_code == 400


def test_a_finished_import_cannot_be_cancelled(branch: lakefs.Branch, source: Path) -> None:
    manager = branch.import_data().object(f"local://{source}/allowed/a.txt", "x")
    manager.run(poll_interval=QUICK)
    with pytest.raises(ConflictException):
        manager.cancel()


def test_a_cancelled_import_commits_nothing(api: httpx.Client, source: Path) -> None:
    pipe = source / "allowed" / "slow"
    pipe.mkdir()
    for number in range(500):
        (pipe / f"{number:03d}").write_bytes(os.urandom(1000))
    head = api.get(BRANCH).json()["commit_id"]
    item = {"type": "common_prefix", "path": f"local://{pipe}", "destination": "x/"}
    name = begin(api, item).json()["id"]
    assert api.delete(f"{BRANCH}/import", params={"id": name}).status_code == 204

    def status() -> dict[str, Any]:
        found: dict[str, Any] = api.get(f"{BRANCH}/import", params={"id": name}).json()
        return found

    assert until(lambda: "error" in status(), interval=0.01, timeout=20)
    assert "cancelled" in status()["error"]["message"]
    assert api.get(BRANCH).json()["commit_id"] == head
    assert api.get(f"{BRANCH}/import", params={"id": "nowhere"}).status_code == 404


def test_a_file_beside_the_lake_is_staged_and_hashed(api: httpx.Client, source: Path) -> None:
    answer = stage(api, f"local://{source}/allowed/a.txt", "staged/a")
    assert answer.status_code == 201, answer.text
    assert answer.json()["checksum"] == hashlib.md5(b"a", usedforsecurity=False).hexdigest()
    assert answer.json()["size_bytes"] == 1
    query = {"path": "staged/a"}
    assert api.get(f"{REPO}/refs/main/objects", params=query).content == b"a"


def test_without_an_allowed_directory_nothing_is_imported(server: Served, name: str) -> None:
    client = server.client()
    assert not client.storage_config.import_support
    lakefs.Repository(name, client=client).create(storage_namespace=f"local://{name}")
    manager = (
        lakefs.Repository(name, client=client)
        .branch("main")
        .import_data()
        .object("local:///etc/hostname", "x")
    )
    with pytest.raises(ForbiddenException):
        manager.run(poll_interval=QUICK)


def test_a_repository_notes_when_something_was_imported_last(
    api: httpx.Client, branch: lakefs.Branch, source: Path
) -> None:
    manager = branch.import_data("brought in")
    manager.object(f"local://{source}/allowed/a.txt", "a").run()
    noted = api.get(f"{REPO}/metadata").json()[".lakefs.last.import.timestamp"]
    moment = datetime.fromisoformat(noted)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


def test_a_named_pipe_in_a_tree_is_named_and_waits_for_nobody(
    api: httpx.Client, source: Path
) -> None:
    pipe = source / "allowed/deep/pipe"
    os.mkfifo(pipe)
    try:
        place = f"local://{source}/allowed"
        started = begin(api, {"type": "common_prefix", "path": place, "destination": "d/"})
        wanted = {"id": started.json()["id"]}

        def error() -> str:
            status = api.get(f"{BRANCH}/import", params=wanted).json()
            return str(status.get("error", {}).get("message", ""))

        assert until(error, interval=0.02, timeout=20)
        assert error() == f"{pipe} cannot be read: is a named pipe, not a regular file"
    finally:
        pipe.unlink()
