"""Requests that are wrong on purpose: each is refused in one sentence and changes nothing."""

from __future__ import annotations

import httpx
import pytest

from tests.lake.servers import Served, api_root

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def first(api: httpx.Client, repo: str) -> str:
    """The repository with one object in one commit."""
    api.post(f"{repo}/branches/main/objects", params={"path": "a"}, content=b"1")
    api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
    return repo


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/branches/main/commits", {"message": 5}),
        ("POST", "/branches/main/commits", {"message": ["m"]}),
        ("POST", "/branches/main/commits", {"message": "m", "date": "now"}),
        ("POST", "/branches/main/commits", {"message": "m", "date": -1}),
        ("POST", "/branches/main/commits", {"message": "m", "date": 10**30}),
        ("POST", "/branches/main/revert", {"ref": "main", "parent_number": "one"}),
        ("POST", "/branches/main/revert", {"ref": "main", "parent_number": -1}),
        ("POST", "/branches/main/revert", {"ref": "main", "commit_overrides": "text"}),
        ("POST", "/branches/main/revert", {"ref": ["main"]}),
        ("POST", "/branches/main/cherry-pick", {"ref": "main", "commit_overrides": [1]}),
        ("POST", "/branches/main/cherry-pick", {}),
        ("POST", "/refs/main/merge/main", {"message": 5}),
        ("POST", "/refs/main/merge/main", {"strategy": 5}),
        ("POST", "/refs/main/merge/main", {"strategy": ["source-wins"]}),
        ("POST", "/refs/main/merge/main", {"metadata": {"k": None}}),
        ("PUT", "/branches/main", {"type": "common_prefix"}),
        ("PUT", "/branches/main", {"type": "common_prefix", "path": None}),
        ("PUT", "/branches/main", {"type": "object", "path": 5}),
        ("PUT", "/branches/main", {"type": 5}),
        ("PUT", "/branches/main", {"type": "everything", "path": "a"}),
        ("POST", "/branches/main/objects/delete", {"paths": "a"}),
        ("POST", "/branches/main/objects/delete", {"paths": [1]}),
        ("POST", "/branches/main/objects/delete", {"paths": ["../a"]}),
        ("POST", "/branches/main/objects/copy?dest_path=b", {"src_path": 5}),
        ("POST", "/branches/main/objects/copy?dest_path=../b", {"src_path": "a"}),
        ("POST", "/branches/main/objects/copy?dest_path=b", {"src_path": "a", "src_ref": 5}),
        ("POST", "/branches/main/objects/copy", {"src_path": "a"}),
        ("POST", "/branches", {"name": "b", "source": 5}),
        ("POST", "/tags", {"id": "b", "ref": {}}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    api: httpx.Client, first: str, method: str, path: str, body: object
) -> None:
    head = api.get(f"{first}/branches/main").json()
    staged = api.post(f"{first}/branches/main/objects", params={"path": "s"}, content=b"1")
    answer = api.request(method, first + path, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]
    assert staged.status_code == 201
    assert api.get(f"{first}/branches/main").json() == head
    listed = api.get(f"{first}/refs/main/objects/ls").json()["results"]
    assert [item["path"] for item in listed] == ["a", "s"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"message": "\\ud800"}',
        b'{"message": "m", "metadata": {"\\udfff": "v"}}',
        b"\xff\xfe",
        b'{"message": "m"',
        b"\x00",
    ],
)
def test_a_body_that_is_no_text_is_refused(api: httpx.Client, first: str, body: bytes) -> None:
    answer = api.post(f"{first}/branches/main/commits", content=body, headers=JSON)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "amount", ["²", "--5", "1e3", "9" * 5000, "0x10", "5;drop", "1001", str(10**25)]
)
def test_an_amount_that_is_no_number_is_refused(api: httpx.Client, first: str, amount: str) -> None:
    answer = api.get(f"{first}/refs/main/objects/ls", params={"amount": amount})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("amount", ["-1", "0", "1000"])
def test_an_amount_is_brought_within_bounds(api: httpx.Client, first: str, amount: str) -> None:
    answer = api.get(f"{first}/refs/main/objects/ls", params={"amount": amount})
    assert [item["path"] for item in answer.json()["results"]] == ["a"]


def test_a_range_of_many_digits_is_416(api: httpx.Client, first: str) -> None:
    headers = {"Range": "bytes=0-" + "9" * 5000}
    answer = api.get(f"{first}/refs/main/objects", params={"path": "a"}, headers=headers)
    assert answer.status_code == 416


def test_names_are_data_and_not_sql(api: httpx.Client, first: str) -> None:
    for name in ["x' OR '1'='1", 'main"; DROP TABLE branches; --', "%", "_"]:
        assert api.get(f"{first}/branches/{name}").status_code in (400, 404)
        listed = api.get(f"{first}/branches", params={"prefix": name}).json()["results"]
        assert listed == []
    assert api.get(f"{first}/branches/main").status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"content_type": "text/plain\r\nX-Injected: yes"},
        {"user_metadata": {"k\r\nX-Injected": "v"}},
        {"user_metadata": {"k": ["v"]}},
        {"content_type": ["text/plain"]},
    ],
)
def test_a_header_cannot_be_smuggled_in(
    api: httpx.Client, first: str, more: dict[str, object]
) -> None:
    where, query = f"{first}/branches/main/staging/backing", {"path": "b"}
    place = api.get(where, params=query).json()
    body = {"staging": place, "checksum": "", "size_bytes": 0, **more}
    assert api.put(where, params=query, json=body).status_code == 400


def test_metadata_outside_latin_1_leaves_the_object_readable(
    api: httpx.Client, first: str, server: Served
) -> None:
    where, query = f"{first}/branches/main/staging/backing", {"path": "b"}
    place = api.get(where, params=query).json()
    file = place["physical_address"].removeprefix("local://")
    assert file.startswith(str(server.home))
    with open(file, "wb") as staged:  # noqa: PTH123  as a client would
        staged.write(b"bytes")
    metadata = {"k": "é€\r\nX-Injected: yes"}
    body = {"staging": place, "checksum": "", "size_bytes": 0, "user_metadata": metadata}
    assert api.put(where, params=query, json=body).json()["metadata"] == metadata
    answer = api.get(f"{first}/refs/main/objects", params=query)
    assert answer.content == b"bytes"
    assert "X-Injected" not in answer.headers
    raw = dict(answer.headers.raw)
    assert raw[b"x-lakefs-meta-k"].decode() == "é€  X-Injected: yes"


def test_a_large_upload_that_is_refused_is_told_so(
    server: Served, api: httpx.Client, first: str
) -> None:
    data = bytes(4 << 20)
    where = f"{first}/branches/nowhere/objects"
    assert api.post(where, params={"path": "a"}, content=data).status_code == 404
    where = f"{first}/branches/main/objects"
    assert api.post(where, params={"path": "../a"}, content=data).status_code == 400
    with httpx.Client(base_url=api_root(server.remote)) as nobody:
        answer = nobody.post(where, params={"path": "a"}, content=data)
        assert answer.status_code == 401
    assert api.get(f"{first}/refs/main/objects/stat?path=a").json()["size_bytes"] == 1


def test_a_delimiter_may_be_longer_than_a_letter(api: httpx.Client, first: str) -> None:
    for path in ("x__1", "x__2", "y_1"):
        api.post(f"{first}/branches/main/objects", params={"path": path}, content=b"1")
    asked = {"delimiter": "__"}
    listed = api.get(f"{first}/refs/main/objects/ls", params=asked).json()["results"]
    assert [item["path"] for item in listed] == ["a", "x__", "y_1"]
    api.post(f"{first}/branches", json={"name": "old", "source": "main"}).raise_for_status()
    api.post(f"{first}/branches/main/commits", json={"message": "m"}).raise_for_status()
    changed = api.get(f"{first}/refs/old/diff/main", params=asked).json()["results"]
    assert [item["path"] for item in changed] == ["x__", "y_1"]
