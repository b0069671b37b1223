"""The server as plain HTTP sees it: keys, errors, ranges, headers, and names that climb out."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.server.http.responses import to_json
from tests.lake.servers import Served, api_root

BODY = bytes(range(256)) * 40


def put(
    api: httpx.Client, repo: str, path: str, data: bytes = BODY, **headers: str
) -> dict[str, Any]:
    answer = api.post(
        f"{repo}/branches/main/objects", params={"path": path}, content=data, headers=headers
    )
    assert answer.status_code == 201, answer.text
    stats: dict[str, Any] = answer.json()
    return stats


def get(api: httpx.Client, repo: str, path: str, **headers: str) -> httpx.Response:
    return api.get(f"{repo}/refs/main/objects", params={"path": path}, headers=headers)


# Keys


def test_every_call_but_the_health_check_needs_the_keys(server: Served) -> None:
    with httpx.Client(base_url=api_root(server.remote)) as nobody:
        assert nobody.get("/healthcheck").status_code == 204
        for method, path in [
            ("GET", "/config"),
            ("GET", "/repositories"),
            ("POST", "/repositories"),
            ("GET", "/repositories/x/refs/main/objects?path=a"),
            ("DELETE", "/repositories/x"),
        ]:
            answer = nobody.request(method, path)
            assert answer.status_code == 401, path
            assert answer.json()["message"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "x"])
def test_a_page_of_another_origin_is_refused_even_with_keys(
    api: httpx.Client, repo: str, origin: str
) -> None:
    before = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (
        api.get("/repositories", headers={"Origin": origin}),
        api.post(f"{repo}/branches", headers={"Origin": origin}, content=b"{}"),
        api.options("/repositories", headers=before),
        api.get("/healthcheck", headers={"Origin": origin}),
    ):
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    own = {"Origin": str(api.base_url).removesuffix("/api/v1/")}
    assert api.get("/repositories", headers=own).status_code == 200


def test_a_name_that_was_rebound_to_the_lake_opens_nothing_without_keys(server: Served) -> None:
    page = {"Host": "evil.example:80", "Origin": "http://evil.example:80"}
    with httpx.Client(base_url=api_root(server.remote), headers=page) as rebound:
        for path in ("/repositories", "/config", "/user"):
            answer = rebound.get(path)
            assert answer.status_code == 401
            assert "www-authenticate" not in answer.headers
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "auth", ["Basic", "Basic ???", "Bearer abc", "Basic Og==", "Basic w6k6w6k=", "Basic /w=="]
)
def test_malformed_keys_are_refused(server: Served, auth: str) -> None:
    with httpx.Client(base_url=api_root(server.remote), headers={"Authorization": auth}) as wrong:
        assert wrong.get("/repositories").status_code == 401


def test_a_wrong_secret_is_refused(server: Served) -> None:
    keys = (server.remote.access_key_id, server.remote.secret_access_key + "x")
    with httpx.Client(base_url=api_root(server.remote), auth=keys) as wrong:
        assert wrong.get("/repositories").status_code == 401


def test_it_listens_on_loopback_only(server: Served) -> None:
    assert urlsplit(server.remote.endpoint).hostname in ("127.0.0.1", "localhost", "::1")


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/repositories/nowhere", 404),
        ("GET", "{repo}/branches/nowhere", 404),
        ("GET", "{repo}/tags/nowhere", 404),
        ("GET", "{repo}/commits/nowhere", 404),
        ("GET", "{repo}/refs/main/objects?path=nowhere", 404),
        ("HEAD", "{repo}/refs/main/objects?path=nowhere", 404),
        ("GET", "{repo}/refs/main/objects/stat?path=nowhere", 404),
        ("GET", "{repo}/refs/nowhere/objects/ls", 404),
        ("GET", "{repo}/refs/main/objects", 400),
        ("GET", "{repo}/commits/main~", 404),
        ("GET", "{repo}/commits/main%5E%5E~x", 400),
        ("GET", "{repo}/commits/main~" + "9" * 5000, 400),
        ("GET", "{repo}/refs/main/objects/ls?amount=many", 400),
        ("GET", "{repo}/refs/main/diff/main?type=four_dot", 400),
        ("DELETE", "{repo}/branches/main", 403),
        ("DELETE", "{repo}/tags/nowhere", 404),
        ("GET", "/no/such/call", 501),
    ],
)
def test_errors_are_a_status_and_one_sentence(
    api: httpx.Client, repo: str, method: str, path: str, status: int
) -> None:
    answer = api.request(method, path.format(repo=repo))
    assert answer.status_code == status, answer.text
    if method != "HEAD":
        assert answer.json()["message"]
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', "{}", '{"name": 3}', '{"name": []}']
)
@pytest.mark.parametrize(
    "path",
    ["/repositories", "{repo}/branches", "{repo}/tags"],
)
def test_a_body_that_is_no_request_is_refused(
    api: httpx.Client, repo: str, path: str, body: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.post(path.format(repo=repo), content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


@pytest.mark.parametrize("metadata", ["text", ["a"], {"k": 1}, {"k": {"deep": "x"}}])
def test_metadata_of_a_commit_is_text(api: httpx.Client, repo: str, metadata: object) -> None:
    put(api, repo, "a")
    wanted = {"message": "m", "metadata": metadata}
    answer = api.post(f"{repo}/branches/main/commits", json=wanted)
    assert answer.status_code == 400, answer.text
    assert api.get(f"{repo}/branches/main/diff").json()["results"]


def test_names_are_lakefs_names(api: httpx.Client, repo: str) -> None:
    for name in ["a/b", "-a", "a b", "a\n", "", "ä", "a.b", "main~1"]:
        answer = api.post(f"{repo}/branches", json={"name": name, "source": "main"})
        assert answer.status_code == 400, name
    for name in ["a b", "a..b", "a~1", "/a", "a.lock", "a\n", ""]:
        answer = api.post(f"{repo}/tags", json={"id": name, "ref": "main"})
        assert answer.status_code == 400, name
    for name in ["Ab", "ab", "a_b", "-abc", "abc\n", "a" * 64]:
        body = {"name": name, "storage_namespace": f"local://names-{name}"}
        assert api.post("/repositories", json=body).status_code == 400, name


def test_a_name_is_taken_once(api: httpx.Client, repo: str) -> None:
    name = repo.rpartition("/")[2]
    again = {"name": name, "storage_namespace": f"local://{name}-other"}
    answer = api.post("/repositories", json=again)
    assert (answer.status_code, answer.reason_phrase) == (409, "Conflict")
    shared = {"name": f"{name}-other", "storage_namespace": f"local://{name}"}
    assert api.post("/repositories", json=shared).status_code == 400
    made = api.post(f"{repo}/branches", json={"name": "one", "source": "main"})
    assert made.status_code == 201
    assert made.text.strip() == api.get(f"{repo}/branches/main").json()["commit_id"]
    assert api.post(f"{repo}/branches", json={"name": "one", "source": "main"}).status_code == 409
    for status in (201, 409):
        assert api.post(f"{repo}/tags", json={"id": "v1", "ref": "main"}).status_code == status


# Paths


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "a/..", "..", ".", "./a", "a\x00b", "", "x" * 1025]
)
def test_paths_that_climb_or_hold_nul_are_refused(api: httpx.Client, repo: str, path: str) -> None:
    where = f"{repo}/branches/main/objects"
    assert api.post(where, params={"path": path}, content=b"x").status_code == 400
    assert get(api, repo, path).status_code in (400, 404)
    staging = f"{repo}/branches/main/staging/backing"
    assert api.get(staging, params={"path": path}).status_code == 400
    assert api.get(f"{repo}/refs/main/objects/ls").json()["results"] == []


def test_a_path_that_is_no_text_is_refused_with_a_sentence(api: httpx.Client, repo: str) -> None:
    body = b'{"paths": ["\\ud800"]}'
    headers = {"Content-Type": "application/json"}
    answer = api.post(f"{repo}/branches/main/objects/delete", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "path", ["a b", "ü/é", "100%", "a+b&c=d?e#f", "a//b", "trailing/", "…", "\\x", "%2e%2e/x", "~1"]
)
def test_odd_paths_are_kept_as_they_are(api: httpx.Client, repo: str, path: str) -> None:
    put(api, repo, path, b"odd")
    assert get(api, repo, path).content == b"odd"
    listed = api.get(f"{repo}/refs/main/objects/ls").json()["results"]
    assert [item["path"] for item in listed] == [path]


@pytest.mark.parametrize("target", ["/../../etc/passwd", "//etc/passwd", "/api/v1/../../x", "/%00"])
def test_the_server_serves_nothing_but_the_api(server: Served, target: str) -> None:
    where = urlsplit(server.remote.endpoint)
    raw = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    with closing(raw):
        raw.request("GET", target)
        answer = raw.getresponse()
        assert answer.status in (400, 401, 404)
        assert b"root:" not in answer.read()


# Objects


def test_an_object_comes_back_with_its_headers(api: httpx.Client, repo: str) -> None:
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    stats = put(api, repo, "a", **{"Content-Type": "text/x-test", "x-lakefs-meta-Who": "me"})
    assert stats["checksum"] == md5
    assert stats["size_bytes"] == len(BODY)
    answer = get(api, repo, "a")
    assert answer.content == BODY
    assert answer.headers["ETag"].strip('"') == md5
    assert answer.headers["Content-Type"] == "text/x-test"
    assert int(answer.headers["Content-Length"]) == len(BODY)
    assert parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp() == stats["mtime"]
    found = api.get(f"{repo}/refs/main/objects/stat", params={"path": "a"}).json()
    assert found["metadata"] == {"who": "me"}
    head = api.head(f"{repo}/refs/main/objects", params={"path": "a"})
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(BODY)))
    assert head.headers["ETag"] == answer.headers["ETag"]


def test_what_is_unchanged_is_not_sent_again(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a")
    tag = get(api, repo, "a").headers["ETag"]
    again = get(api, repo, "a", **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert get(api, repo, "a", **{"If-None-Match": '"other"'}).status_code == 200


MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("*", 304),
        (MD5, 304),
        (f'W/"{MD5}"', 304),
        (f'"other", "{MD5}"', 304),
        (f'"a,b",W/"other" , W/"{MD5}"', 304),
        ('"*"', 200),
        (f'"{MD5}x", W/"other"', 200),
        ("", 200),
    ],
)
def test_etags_of_a_read_come_as_a_list_weak_or_as_any(
    api: httpx.Client, repo: str, asked: str, status: int
) -> None:
    put(api, repo, "a")
    assert get(api, repo, "a", **{"If-None-Match": asked}).status_code == status
    lines = [("If-None-Match", asked), ("If-None-Match", '"later"')]
    where, path = f"{repo}/refs/main/objects", {"path": "a"}
    if asked != "*":
        assert api.get(where, params=path, headers=lines).status_code == status


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=100-", 100, len(BODY)),
        ("bytes=-7", len(BODY) - 7, len(BODY)),
        ("bytes=-999999", 0, len(BODY)),
        ("bytes=10-999999", 10, len(BODY)),
        (f"bytes={len(BODY) - 1}-", len(BODY) - 1, len(BODY)),
    ],
)
def test_a_range_is_that_part(
    api: httpx.Client, repo: str, asked: str, start: int, stop: int
) -> None:
    put(api, repo, "a")
    answer = get(api, repo, "a", Range=asked)
    assert answer.status_code == 206
    assert answer.content == BODY[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(BODY)}"


@pytest.mark.parametrize("asked", [f"bytes={len(BODY)}-", "bytes=0-1,4-5", "bytes=-0"])
def test_a_range_outside_is_416(api: httpx.Client, repo: str, asked: str) -> None:
    put(api, repo, "a")
    answer = get(api, repo, "a", Range=asked)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=x-y", "lines=1-2", "bytes=", "bytes=-"])
def test_a_range_that_is_none_harms_nobody(api: httpx.Client, repo: str, asked: str) -> None:
    put(api, repo, "a")
    answer = get(api, repo, "a", Range=asked)
    assert answer.status_code in (200, 416)
    assert answer.status_code == 416 or answer.content == BODY


def test_a_range_of_what_was_replaced_is_the_whole_object(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a", b"first")
    etag = get(api, repo, "a").headers["ETag"]
    part = {"Range": "bytes=2-"}
    assert get(api, repo, "a", **part, **{"If-Range": etag}).content == b"rst"
    put(api, repo, "a", b"other")
    for condition in (etag, f"W/{etag}", "Thu, 01 Jan 2026 00:00:00 GMT"):
        answer = get(api, repo, "a", **part, **{"If-Range": condition})
        assert (answer.status_code, answer.content) == (200, b"other")


def test_an_empty_object_has_no_ranges(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a", b"")
    assert get(api, repo, "a").content == b""
    assert get(api, repo, "a", Range="bytes=0-").status_code == 416


def test_only_new_refuses_what_is_there_staged_or_committed(api: httpx.Client, repo: str) -> None:
    where, only_new = f"{repo}/branches/main/objects", {"If-None-Match": "*"}
    for status in (201, 412):
        answer = api.post(where, params={"path": "a"}, content=b"1", headers=only_new)
        assert answer.status_code == status
    api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
    assert api.post(where, params={"path": "a"}, content=b"2", headers=only_new).status_code == 412
    assert get(api, repo, "a").content == b"1"
    api.delete(where, params={"path": "a"}).raise_for_status()
    assert api.post(where, params={"path": "a"}, content=b"3", headers=only_new).status_code == 201


def test_uploads_come_raw_chunked_or_as_a_form(api: httpx.Client, repo: str) -> None:
    where = f"{repo}/branches/main/objects"
    parts = (BODY for _ in range(50))
    assert api.post(where, params={"path": "chunked"}, content=parts).status_code == 201
    assert get(api, repo, "chunked").content == BODY * 50
    form = {"content": ("name.bin", BODY, "text/x-form")}
    assert api.post(where, params={"path": "form"}, files=form).status_code == 201
    assert get(api, repo, "form").content == BODY
    wrong = {"other": ("name.bin", BODY, "text/x-form")}
    assert api.post(where, params={"path": "wrong"}, files=wrong).status_code == 400


def test_an_upload_cut_short_is_not_there(server: Served, api: httpx.Client, repo: str) -> None:
    where = urlsplit(server.remote.endpoint)
    raw = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    request = api.build_request("POST", f"{repo}/branches/main/objects", params={"path": "a"})
    auth = httpx.BasicAuth(server.remote.access_key_id, server.remote.secret_access_key)
    signed = next(auth.auth_flow(request))
    with closing(raw):
        raw.putrequest("POST", signed.url.raw_path.decode())
        raw.putheader("Authorization", signed.headers["Authorization"])
        raw.putheader("Content-Length", "1000000")
        raw.endheaders(b"only this much")
    assert get(api, repo, "a").status_code == 404
    put(api, repo, "b", b"fine")


def test_a_large_upload_is_stored_whole(api: httpx.Client, repo: str) -> None:
    data = hashlib.shake_128(b"seed").digest(34 << 20)
    assert put(api, repo, "large", data)["size_bytes"] == len(data)
    assert hashlib.sha256(get(api, repo, "large").content).digest() == hashlib.sha256(data).digest()


def test_booleans_come_as_the_clients_write_them(api: httpx.Client, repo: str) -> None:
    put(api, repo, "a")
    api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
    for flag in ("True", "true", "False", "false"):
        found = api.get(f"{repo}/refs/main/commits", params={"first_parent": flag})
        assert len(found.json()["results"]) == 2
        found = api.get(f"{repo}/refs/main/objects/ls", params={"user_metadata": flag})
        assert found.status_code == 200


def test_the_version_is_one_that_clients_accept(api: httpx.Client) -> None:
    found = api.get("/config").json()
    version = tuple(int(number) for number in found["version_config"]["version"].split("."))
    assert version >= (1, 60, 0)
    assert json.dumps(found["storage_config"])


def test_a_reader_beside_commits_never_misses_what_is_there(
    server: Served, api: httpx.Client, repo: str
) -> None:
    written: list[str] = []
    done = threading.Event()

    def misses() -> int:
        missed = 0
        with server.http() as reader:
            while not done.is_set():
                path = f"{repo}/refs/main/objects/stat"
                wanted = written[-1:]
                missed += any(reader.get(path, params={"path": x}).is_error for x in wanted)
        return missed

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(misses) for _ in range(2)]
        for number in range(50):
            put(api, repo, str(number), b"x")
            written.append(str(number))
            api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
        done.set()
        assert [each.result() for each in reading] == [0, 0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(JSON | st.text(st.characters(categories=["Cs"])))
def test_an_answer_has_the_bytes_that_json_gives_it(body: object) -> None:
    assert to_json(body) == json.dumps(body, separators=(",", ":")).encode()
