"""What a client may send, how long it may take, and where the server listens."""

from __future__ import annotations

import base64
import hashlib
import resource
import select
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lake.home import Credentials, LakeHome
from lake.polling import until
from lake.server.catalog.entries import Entry
from lake.server.http.handlers import objects
from lake.server.http.requests import Request
from tests.lake.servers import Served, api_root, start

Serve = Callable[..., Served]
PATIENCE = 1.0
HEADERS = 200
"""As many lines of a head, sent ten a second, are waited for by no server of that patience."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits a second for a slow client."""
    served = start(tmp_path_factory.mktemp("hasty") / "home", more=["--patience", str(PATIENCE)])
    yield served
    served.stop()


@contextmanager
def connection(served: Served) -> Iterator[socket.socket]:
    where = urlsplit(served.remote.endpoint)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=15) as raw:
        yield raw


def authorization(served: Served) -> bytes:
    keys = f"{served.remote.access_key_id}:{served.remote.secret_access_key}".encode()
    return b"Authorization: Basic " + base64.b64encode(keys) + b"\r\n"


def answer(raw: socket.socket) -> bytes:
    """All that comes until the server closes."""
    found = b""
    try:
        while piece := raw.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def answered(connections: Sequence[socket.socket]) -> list[socket.socket]:
    """Connections on which something came."""
    return select.select(connections, [], [], 0)[0]


def trickle(raw: socket.socket) -> None:
    """Send one header after another, and never the end of the head."""
    raw.sendall(b"GET /api/v1/config HTTP/1.1\r\n")
    for _ in range(HEADERS):
        raw.sendall(b"x-a: b\r\n")
        time.sleep(0.1)


# Sizes


def test_a_large_body_is_refused(api: httpx.Client, repo: str) -> None:
    body = b'{"message": "' + b"x" * (17 << 20) + b'"}'
    refused = api.post(f"{repo}/branches/main/commits", content=body)
    assert refused.status_code == 413
    assert refused.json()["message"]


def test_a_long_address_is_refused(api: httpx.Client, repo: str) -> None:
    refused = api.get(f"{repo}/refs/main/objects/ls", params={"prefix": "x" * 40_000})
    assert refused.status_code == 414
    assert refused.json()["message"]


def test_long_headers_are_refused(api: httpx.Client, repo: str) -> None:
    refused = api.get(repo, headers={"x-long": "x" * 70_000})
    assert refused.status_code == 431
    many = {f"x-{number}": "x" * 100 for number in range(1000)}
    assert api.get(repo, headers=many).status_code == 431


def test_a_head_without_an_end_is_refused(server: Served) -> None:
    with connection(server) as raw:
        raw.sendall(b"GET /api/v1/config HTTP/1.1\r\nx-long: ")
        try:
            for _ in range(200):
                raw.sendall(b"x" * 10_000)
        except OSError:
            return  # closed before all was sent
        assert answer(raw).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("head", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"])
def test_what_is_not_http_is_refused(server: Served, head: bytes) -> None:
    with connection(server) as raw:
        raw.sendall(head)
        assert answer(raw).startswith(b"HTTP/1.1 400 ")


# Slow clients


def test_a_head_that_does_not_come_is_not_waited_for(hasty: Served) -> None:
    for begun in (b"", b"GET /api/v1/config HTTP/1.1\r\nHost: x\r\n"):
        with connection(hasty) as raw:
            raw.sendall(begun)
            assert answer(raw).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_trickles_is_not_waited_for(hasty: Served) -> None:
    with connection(hasty) as raw, pytest.raises(OSError, match=r"Broken pipe|reset"):
        trickle(raw)


def test_a_body_that_does_not_come_is_not_waited_for(hasty: Served) -> None:
    with hasty.http() as api:
        wanted = {"name": "slow", "storage_namespace": "local://slow"}
        api.post("/repositories", json=wanted).raise_for_status()
        with connection(hasty) as raw:
            raw.sendall(
                b"POST /api/v1/repositories/slow/branches/main/objects?path=a HTTP/1.1\r\n"
                b"Host: x\r\n" + authorization(hasty) + b"Content-Length: 1000000\r\n\r\nbegun"
            )
            assert answer(raw).startswith(b"HTTP/1.1 408 ")
        assert api.get("/repositories/slow/refs/main/objects?path=a").status_code == 404
    assert not list(LakeHome(hasty.home).staging.iterdir())


@pytest.mark.slow
def test_a_body_that_keeps_coming_is_waited_for(hasty: Served) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(15):
            time.sleep(0.2)
            yield bytes(2000)

    with hasty.http() as api:
        wanted = {"name": "steady", "storage_namespace": "local://steady"}
        api.post("/repositories", json=wanted).raise_for_status()
        where = "/repositories/steady/branches/main/objects"
        sent = api.post(where, params={"path": "a"}, content=pieces())
        assert (sent.status_code, sent.json()["size_bytes"]) == (201, 30_000)
        time.sleep(PATIENCE * 1.5)  # between requests a connection may rest
        assert api.get("/config").status_code == 200


@pytest.mark.slow
def test_an_answer_that_is_not_read_is_given_up(hasty: Served) -> None:
    with hasty.http() as api:
        wanted = {"name": "unread", "storage_namespace": "local://unread"}
        api.post("/repositories", json=wanted).raise_for_status()
        where = "/repositories/unread/branches/main/objects"
        api.post(where, params={"path": "a"}, content=bytes(64 << 20)).raise_for_status()
        with connection(hasty) as raw:
            raw.sendall(
                b"GET /api/v1/repositories/unread/refs/main/objects?path=a HTTP/1.1\r\n"
                b"Host: x\r\n" + authorization(hasty) + b"\r\n"
            )
            time.sleep(PATIENCE + 3)
            assert len(answer(raw)) < 64 << 20
        assert api.get("/config").status_code == 200


# Keys and addresses


def test_generated_keys_are_the_owners_alone(server: Served) -> None:
    found = (server.home / "credentials.json").stat().st_mode
    assert stat.S_IMODE(found) == 0o600


def test_the_keys_of_the_environment_are_taken(serve: Serve, tmp_path: Path) -> None:
    keys = Credentials("AKIAENVIRONMENT", "a/secret+with=signs")
    served = serve(tmp_path / "home", keys=keys)
    with served.http() as api:
        user = api.get("/user").json()["user"]
        assert user["id"] == keys.access_key_id
    assert not (served.home / "credentials.json").exists()


def test_it_listens_where_it_is_told_and_on_loopback_otherwise(
    serve: Serve, server: Served, tmp_path: Path
) -> None:
    assert urlsplit(server.remote.endpoint).hostname == "127.0.0.1"
    everywhere = serve(tmp_path / "home", more=["--host", "0.0.0.0"])  # noqa: S104  on purpose
    assert urlsplit(everywhere.remote.endpoint).hostname == "0.0.0.0"  # noqa: S104


def test_a_host_that_is_none_is_not_repeated(api: httpx.Client, repo: str) -> None:
    where = f"{repo}/branches/main/staging/backing"
    query = {"path": "a", "presign": "true"}
    for host in ("a b", "x/y", 'evil"><', "[::1", "a:b:c", "user@host"):
        found = api.get(where, params=query, headers={"Host": host})
        assert found.status_code == 200
        assert found.json()["presigned_url"].startswith("http://127.0.0.1:")


def test_a_call_that_is_not_there_is_named(server: Served) -> None:
    with httpx.Client(auth=(server.remote.access_key_id, server.remote.secret_access_key)) as api:
        for method, path in [
            ("POST", "/repositories/x/gc/rules"),
            ("PATCH", "/repositories/x"),
            ("POST", "/repositories/x/pulls"),
            ("GET", "/auth/users"),
        ]:
            missing = api.request(method, api_root(server.remote) + path)
            assert missing.status_code == 501
            assert f"{method} /api/v1{path}" in missing.json()["message"]


# The sample repository


def test_the_sample_repository_is_made_once(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        served = serve(home, more=["--sample-repo"])
        with served.http() as api:
            query = {"amount": "1000"}
            found = api.get("/repositories/quickstart/refs/main/objects/ls", params=query)
            sizes = {item["path"]: item["size_bytes"] for item in found.json()["results"]}
            assert len(sizes) == 32
            assert sizes["lakes.parquet"] >= 1 << 19
            assert sum(sizes.values()) > 1 << 20
            images = [path for path in sizes if path.startswith("images/")]
            assert len(images) == 29
            log = api.get("/repositories/quickstart/refs/main/commits").json()["results"]
            assert len(log) == 2
        served.stop()


def test_a_tag_may_hold_other_letters(api: httpx.Client, repo: str) -> None:
    api.post(f"{repo}/branches/main/objects", params={"path": "a"}, content=b"1")
    api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
    made = api.post(f"{repo}/tags", json={"id": "v1.ü_x", "ref": "main"})
    assert made.status_code == 201, made.text
    assert api.get(f"{repo}/tags/v1.%C3%BC_x").json()["id"] == "v1.ü_x"
    assert api.get(f"{repo}/refs/v1.%C3%BC_x/objects?path=a").content == b"1"


# Bodies and addresses that cannot be read back


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata": {"k": "\xed\xa0\x80"}}',
        b'{"metadata": {"k": "\xff"}}',
        b'{"metadata": {"\\ud800": "v"}}',
        '{"metadata": {"k": "v"}}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_no_utf_8_is_refused(api: httpx.Client, repo: str, body: bytes) -> None:
    answer = api.post(f"{repo}/metadata", content=body)
    assert answer.status_code == 400, answer.text
    assert api.get(f"{repo}/metadata").json() == {}
    made = api.post(f"{repo}/branches/main/commits", json={"message": "m", "allow_empty": True})
    assert made.status_code == 201


@pytest.mark.parametrize("path", ["%FF", "a%ED%A0%80", "%C3%28"])
def test_a_path_that_is_no_utf_8_is_refused(api: httpx.Client, repo: str, path: str) -> None:
    where = f"{repo}/branches/main/objects?path={path}"
    assert api.post(where, content=b"1").status_code == 400
    assert api.get(f"{repo}/branches/{path}").status_code == 400
    assert api.get(f"{repo}/refs/main/objects/ls").json()["results"] == []


def test_metadata_that_no_client_could_read_is_refused(api: httpx.Client, repo: str) -> None:
    api.post(f"{repo}/branches/main/objects", params={"path": "a"}, content=b"1")
    where = f"{repo}/branches/main/objects/stat/user_metadata"
    for size, status in ((8191, 204), (70_000, 400)):
        body = {"set": {"k": "v" * size}}
        assert api.put(where, params={"path": "a"}, json=body).status_code == status
    for count, status in ((64, 204), (65, 400)):
        body = {"set": {f"k{number}": "v" for number in range(count)}}
        assert api.put(where, params={"path": "a"}, json=body).status_code == status
    for name in ("a b", "a:b", "a(b)", "a/b"):
        answer = api.put(where, params={"path": "a"}, json={"set": {name: "v"}})
        assert (answer.status_code, "name of a header" in answer.text) == (400, True)
    read = api.get(f"{repo}/refs/main/objects", params={"path": "a"})
    assert len([name for name in read.headers if name.startswith("x-lakefs-meta-k")]) == 64


@pytest.mark.parametrize(
    "headers",
    [
        {"x-lakefs-meta-k": "v" * 8192},
        {f"x-lakefs-meta-{number}": "v" for number in range(65)},
        {"if-match": 'W/"0"'},
    ],
)
def test_an_upload_is_refused_for_its_headers_before_it_is_stored(
    server: Served, api: httpx.Client, repo: str, headers: dict[str, str]
) -> None:
    data = repr(headers).encode()
    where = f"{repo}/branches/main/objects"
    answer = api.post(where, params={"path": "a"}, content=data, headers=headers)
    assert answer.status_code == 400
    sha256 = hashlib.sha256(data).hexdigest()
    assert not (server.home / "objects" / sha256[:2] / sha256[2:]).exists()


def test_an_object_that_an_earlier_release_took_can_be_read() -> None:
    entry = Entry("0" * 64, "0" * 32, 1, 0, "a\x01b", {"a b": "v", "k": "v"})
    found = objects.byte_range(entry, Request({}, {"path": "a"}, {}, ""))
    assert found.headers["content-type"] == "a b"
    assert [name for name in found.headers if "meta" in name] == ["x-lakefs-meta-k"]


def test_a_login_takes_a_small_body_and_its_time_where_it_is_wrong(server: Served) -> None:
    with httpx.Client(base_url=api_root(server.remote)) as nobody:
        large = {"access_key_id": "a" * 5000, "secret_access_key": "b"}
        assert nobody.post("/auth/login", json=large).status_code == 413
        before = time.monotonic()
        wrong = {"access_key_id": "a", "secret_access_key": "b"}
        assert nobody.post("/auth/login", json=wrong).status_code == 401
        assert time.monotonic() - before >= 0.5


def test_more_connections_than_files_are_refused_and_stop_nothing(
    serve: Serve, tmp_path: Path
) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))

    served = serve(tmp_path / "home", prepare=few)
    with ExitStack() as held, served.http() as api:
        idle = [held.enter_context(connection(served)) for _ in range(60)]
        assert until(lambda: len(answered(idle)) == 16, interval=0.05, timeout=20)
        assert answer(answered(idle)[0]).startswith(b"HTTP/1.1 503 ")
        held.close()
        assert until(lambda: api.get("/config").status_code == 200, interval=0.05, timeout=20)
    served.stop()
    assert served.process.returncode == 0
    assert not (served.home / "server.log").exists()  # nothing went wrong


def test_waiting_writers_stop_no_reads(server: Served, api: httpx.Client, repo: str) -> None:
    where, path = f"{repo}/branches/main/objects", {"path": "a"}
    assert api.post(where, params=path, content=b"x").status_code == 201
    auth = (server.remote.access_key_id, server.remote.secret_access_key)
    target = f"{api_root(server.remote)}{where}"
    with (
        ThreadPoolExecutor(24) as pool,
        closing(sqlite3.connect(server.home / "catalog.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        writing = [
            pool.submit(httpx.post, target, params=path, content=b"y", auth=auth, timeout=60)
            for _ in range(24)
        ]
        read = api.get(f"{repo}/refs/main/objects", params=path)
        assert (read.status_code, read.content) == (200, b"x")
        other.execute("ROLLBACK")
        assert {future.result().status_code for future in writing} == {201}


def test_an_announced_body_that_is_not_asked_for_ends_the_connection(server: Served) -> None:
    wrong = base64.b64encode(b"nobody:nothing").decode()
    head = (
        "POST /api/v1/repositories/r/branches/b/objects?path=a HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Basic {wrong}\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    )
    with connection(server) as raw:
        raw.sendall(head.encode())
        answer = b""
        while part := raw.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer
