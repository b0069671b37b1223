"""Addresses that a client beside the lake writes to: handed out once, hashed by the server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.errors import InvalidError
from lake.server.storage import writers
from tests.lake.servers import Served

SCHEME = "local://"


def backing(repo: str, branch: str = "main") -> str:
    return f"{repo}/branches/{branch}/staging/backing"


def offer(api: httpx.Client, repo: str, path: str) -> dict[str, Any]:
    answer = api.get(backing(repo), params={"path": path})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def link(api: httpx.Client, repo: str, path: str, address: str, **more: object) -> httpx.Response:
    body = {"staging": {"physical_address": address}, "checksum": "", "size_bytes": 0, **more}
    return api.put(backing(repo), params={"path": path}, json=body)


def write(address: str, data: bytes) -> Path:
    file = Path(address.removeprefix(SCHEME))
    file.write_bytes(data)
    return file


def test_the_server_hashes_what_it_links(api: httpx.Client, repo: str) -> None:
    address = offer(api, repo, "a")["physical_address"]
    write(address, b"the bytes")
    answer = link(api, repo, "a", address, content_type="text/x-linked", user_metadata={"k": "v"})
    assert answer.status_code == 200, answer.text
    stats = answer.json()
    assert stats["checksum"] == hashlib.md5(b"the bytes", usedforsecurity=False).hexdigest()
    assert stats["size_bytes"] == 9
    assert stats["content_type"] == "text/x-linked"
    assert stats["metadata"] == {"k": "v"}
    stored = Path(stats["physical_address"].removeprefix(SCHEME))
    assert stored.read_bytes() == b"the bytes"
    assert stored.stat().st_mode & 0o777 == 0o444
    read = api.get(f"{repo}/refs/main/objects", params={"path": "a"})
    assert read.content == b"the bytes"
    assert not Path(address.removeprefix(SCHEME)).exists()


def test_equal_bytes_are_one_file(api: httpx.Client, repo: str) -> None:
    places = []
    for path in ("a", "b"):
        address = offer(api, repo, path)["physical_address"]
        write(address, b"twins")
        places.append(link(api, repo, path, address).json()["physical_address"])
    api.post(f"{repo}/branches/main/objects", params={"path": "c"}, content=b"twins")
    found = api.get(f"{repo}/refs/main/objects/stat", params={"path": "c"}).json()
    assert {*places, found["physical_address"]} == {places[0]}


def test_an_address_serves_one_path_once(api: httpx.Client, repo: str) -> None:
    address = offer(api, repo, "a")["physical_address"]
    write(address, b"x")
    assert link(api, repo, "b", address).status_code == 400
    assert link(api, repo, "a", address).status_code == 200
    assert link(api, repo, "a", address).status_code == 400


def test_an_address_without_a_file_is_refused(api: httpx.Client, repo: str) -> None:
    address = offer(api, repo, "a")["physical_address"]
    assert link(api, repo, "a", address).status_code == 400
    write(address, b"now it is there")
    assert link(api, repo, "a", address).status_code == 200


def test_a_link_to_a_file_elsewhere_is_refused(
    api: httpx.Client, repo: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    address = offer(api, repo, "a")["physical_address"]
    Path(address.removeprefix(SCHEME)).symlink_to(secret)
    answer = link(api, repo, "a", address)
    assert answer.status_code == 400
    assert secret.read_bytes() == b"secret"
    read = api.get(f"{repo}/refs/main/objects", params={"path": "a"})
    assert read.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "local:///etc/hostname",
        "{home}/credentials.json",
        "{home}/staging/unknown",
        "{home}/staging/../credentials.json",
        "{home}/staging/",
        "{home}/staging/a\x00b",
        "s3://bucket/key",
        "",
    ],
)
def test_an_address_that_was_not_handed_out_is_refused(
    server: Served, api: httpx.Client, repo: str, address: str
) -> None:
    answer = link(api, repo, "a", address.format(home=f"{SCHEME}{server.home}"))
    assert answer.status_code == 400, answer.text
    assert (server.home / "credentials.json").exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"staging": None},
        {"staging": {}},
        {"staging": {"physical_address": 3}},
        {"staging": "text"},
        [],
    ],
)
def test_a_link_without_an_address_is_refused(api: httpx.Client, repo: str, body: object) -> None:
    answer = api.put(backing(repo), params={"path": "a"}, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


def test_a_file_that_is_still_written_to_is_not_taken_over(api: httpx.Client, repo: str) -> None:
    address = offer(api, repo, "a")["physical_address"]
    with Path(address.removeprefix(SCHEME)).open("wb") as file:
        file.write(b"begun")
        file.flush()
        answer = link(api, repo, "a", address)
        assert answer.status_code == 400, answer.text
        assert "is still open for writing" in answer.json()["message"]
        file.write(b" and ended")
    assert link(api, repo, "a", address).status_code == 200
    read = api.get(f"{repo}/refs/main/objects", params={"path": "a"})
    assert read.content == b"begun and ended"


def test_a_file_that_changed_while_it_was_hashed_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"begun")
    with (
        pytest.raises(InvalidError, match=r"^slot was written to while it was hashed"),
        writers.none_expected(file, "slot"),
    ):
        file.write_bytes(b"ended")


def test_only_new_holds_for_links(api: httpx.Client, repo: str) -> None:
    for status in (200, 412):
        address = offer(api, repo, "a")["physical_address"]
        write(address, b"x")
        answer = api.put(
            backing(repo),
            params={"path": "a"},
            headers={"If-None-Match": "*"},
            json={"staging": {"physical_address": address}, "checksum": "", "size_bytes": 1},
        )
        assert answer.status_code == status


def test_an_address_of_a_branch_that_is_not_there_is_not_handed_out(
    api: httpx.Client, repo: str
) -> None:
    answer = api.get(backing(repo, "nowhere"), params={"path": "a"})
    assert answer.status_code == 404
