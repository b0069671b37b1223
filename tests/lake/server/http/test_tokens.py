"""Signed addresses and logins: usable without keys, for one thing, for a while."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import lakefs
import pytest
import urllib3
from lakefs.exceptions import handle_http_error

from lake.client.connection import sdk_errors_translated
from lake.errors import ForbiddenError, LakeError
from lake.server.http.tokens import Signer, TokenKind
from tests.lake.servers import Served, api_root

BODY = bytes(range(256)) * 40
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


@pytest.fixture
def nobody() -> Iterator[httpx.Client]:
    """A client without keys."""
    with httpx.Client(timeout=20.0) as client:
        yield client


@pytest.fixture
def address(api: httpx.Client, repo: str) -> str:
    """A signed address of an object."""
    where = f"{repo}/branches/main/objects"
    api.post(where, params={"path": "d/a.bin"}, content=BODY).raise_for_status()
    query = {"path": "d/a.bin", "presign": "True"}
    found = api.get(f"{repo}/refs/main/objects/stat", params=query).json()
    assert time.time() < found["physical_address_expiry"] < time.time() + 3600
    signed: str = found["physical_address"]
    return signed


def offer(api: httpx.Client, repo: str, path: str) -> dict[str, str]:
    query = {"path": path, "presign": "true"}
    found: dict[str, str] = api.get(f"{repo}/branches/main/staging/backing", params=query).json()
    return found


def test_a_signed_address_reads_without_keys(nobody: httpx.Client, address: str) -> None:
    answer = nobody.get(address)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["ETag"] == f'"{MD5}"'
    part = nobody.get(address, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, BODY[5:10])
    assert nobody.get(address, headers={"Range": f"bytes={len(BODY)}-"}).status_code == 416
    assert int(nobody.head(address).headers["Content-Length"]) == len(BODY)
    assert address.endswith("/a.bin")


def test_a_read_that_asks_for_it_is_sent_to_a_signed_address(
    api: httpx.Client, repo: str, address: str
) -> None:
    assert address
    query = {"path": "d/a.bin", "presign": "True"}
    answer = api.get(f"{repo}/refs/main/objects", params=query)
    assert (answer.status_code, answer.content) == (302, b"")
    assert httpx.get(answer.headers["Location"]).content == BODY
    listed = api.get(f"{repo}/refs/main/objects/ls", params={"presign": "true"}).json()["results"]
    assert httpx.get(listed[0]["physical_address"]).content == BODY


def test_behind_a_proxy_a_signed_address_is_the_proxys(
    api: httpx.Client, repo: str, address: str
) -> None:
    assert address
    through = {"Host": "lake.example:8443", "X-Forwarded-Proto": "https"}
    query = {"path": "d/a.bin", "presign": "true"}
    found = api.get(f"{repo}/refs/main/objects/stat", params=query, headers=through).json()
    assert found["physical_address"].startswith("https://lake.example:8443/signed/")


def test_a_signed_address_opens_one_object_only(nobody: httpx.Client, address: str) -> None:
    head, _, rest = address.partition("/signed/")
    token, _, name = rest.partition("/")
    content, stamp, signature = token.rsplit(".", 2)
    later = int.from_bytes(base64.urlsafe_b64decode(stamp + "=" * (-len(stamp) % 4)), "big") + 1
    forged = base64.urlsafe_b64encode(later.to_bytes(4, "big")).decode().rstrip("=")
    changed = content[:-1] + ("A" if content[-1] != "A" else "B")
    for wrong in (
        f"{content}.{forged}.{signature}",
        f"{changed}.{stamp}.{signature}",
        f"{content}.{stamp}.{signature[:-2]}AA",
        f"{content}.{stamp}.",
        f"{content}.{signature}",
        f"{content}.{signature[:-2]}AA",
        f"{content}.",
        f".{signature}",
        "x",
        "a.b",
        "%00.%c3%bf",
        "é.é",
    ):
        answer = nobody.get(f"{head}/signed/{wrong}/{name}")
        assert answer.status_code == 403, wrong
        assert answer.json()["message"]
    assert nobody.put(address, content=b"other").status_code == 403
    assert nobody.get(f"{head}/signed/../api/v1/repositories").status_code == 401
    assert nobody.get(f"{head}/signed/{token}").status_code == 501


def test_a_signature_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer("secret")
    read, write = TokenKind("read", 10), TokenKind("write", 10)
    token, expires = signer.sign(read, {"a": 1})
    assert signer.verify(read, token)["a"] == 1
    with pytest.raises(ForbiddenError, match="something else"):
        signer.verify(write, token)
    with pytest.raises(ForbiddenError, match="not this lake's"):
        Signer("other secret").verify(read, token)
    monkeypatch.setattr(time, "time", lambda: expires + 1.0)
    with pytest.raises(ForbiddenError, match="expired"):
        signer.verify(read, token)


def test_a_signed_address_writes_once_and_to_one_path(
    api: httpx.Client, repo: str, nobody: httpx.Client
) -> None:
    place = offer(api, repo, "new")
    sent = nobody.put(place["presigned_url"], content=BODY)
    assert (sent.status_code, sent.headers["ETag"]) == (200, f'"{MD5}"')
    body = {"staging": place, "checksum": MD5, "size_bytes": len(BODY)}
    where = f"{repo}/branches/main/staging/backing"
    assert api.put(where, params={"path": "other"}, json=body).status_code == 400
    linked = api.put(where, params={"path": "new"}, json=body)
    assert (linked.status_code, linked.json()["checksum"]) == (200, MD5)
    assert api.put(where, params={"path": "new"}, json=body).status_code == 400
    assert nobody.get(place["presigned_url"]).status_code == 403
    assert api.get(f"{repo}/refs/main/objects", params={"path": "new"}).content == BODY


def test_a_signed_write_after_the_link_changes_nothing(
    api: httpx.Client, repo: str, nobody: httpx.Client
) -> None:
    place = offer(api, repo, "new")
    nobody.put(place["presigned_url"], content=BODY).raise_for_status()
    body = {"staging": place, "checksum": MD5, "size_bytes": len(BODY)}
    where = f"{repo}/branches/main/staging/backing"
    api.put(where, params={"path": "new"}, json=body).raise_for_status()
    nobody.put(place["presigned_url"], content=b"late")
    assert api.get(f"{repo}/refs/main/objects", params={"path": "new"}).content == BODY


@pytest.mark.parametrize("pre_sign", [True, False, None])
def test_lakefs_reads_and_writes_either_way(
    repository: lakefs.Repository, pre_sign: bool | None
) -> None:
    branch = repository.branch("main")
    target = branch.object("data/x.bin")
    target.upload(BODY, "wb", pre_sign=pre_sign, metadata={"k": "v"}, content_type="text/x-test")
    assert target.stat().checksum == MD5
    assert target.stat().metadata == {"k": "v"}
    with target.reader(pre_sign=pre_sign) as source:
        assert source.read(10) == BODY[:10]
        source.seek(-4, 2)
        assert source.read() == BODY[-4:]
    signed = target.stat(pre_sign=True).physical_address
    assert httpx.get(signed).content == BODY
    with pytest.raises(lakefs.exceptions.ObjectExistsException):
        target.upload(b"again", "xb", pre_sign=pre_sign)


# Where no key and no signature is shown


def test_no_command_line_and_no_log_holds_a_key_or_a_signature(
    server: Served, address: str, nobody: httpx.Client
) -> None:
    token = address.partition("/signed/")[2].partition("/")[0]
    nobody.get(f"{address[:-1]}%00").raise_for_status()
    nobody.get(address.replace(token, token[:-2]))
    nobody.post(address)
    secrets = (server.remote.secret_access_key, server.remote.access_key_id, token)
    shown = [Path(f"/proc/{server.process.pid}/cmdline").read_bytes()]
    shown += [place.read_bytes() for place in server.home.glob("server.log*")]
    shown.append((server.home.parent / f"{server.home.name}.stderr").read_bytes())
    assert not [secret for secret in secrets for text in shown if secret.encode() in text]


def test_an_error_of_a_signed_address_does_not_tell_it(server: Served) -> None:
    gone = f"http://127.0.0.1:9/bucket/key?X-Amz-Signature={'5ec2e7' * 8}"
    lost = f"{server.remote.endpoint}/signed/{'5ec2e7' * 8}/name"
    for url in (gone, lost):
        with (
            urllib3.PoolManager(retries=urllib3.Retry(1)) as pools,
            pytest.raises(LakeError) as caught,
            sdk_errors_translated("write a.bin on main", "http://lake"),
        ):
            handle_http_error(pools.request("PUT", url, body=b"1"))
        assert "5ec2e7" not in str(caught.value)
        assert "write a.bin on main" in str(caught.value)


# Logins


def test_a_login_is_a_token_for_a_while(server: Served) -> None:
    keys = {
        "access_key_id": server.remote.access_key_id,
        "secret_access_key": server.remote.secret_access_key,
    }
    with httpx.Client(base_url=api_root(server.remote)) as nobody:
        for wrong in ({**keys, "secret_access_key": "x"}, {**keys, "access_key_id": "x"}):
            assert nobody.post("/auth/login", json=wrong).status_code == 401
        assert nobody.post("/auth/login", json={}).status_code == 400
        found = nobody.post("/auth/login", json=keys).json()
        assert found["token_expiration"] > time.time()
        bearer = {"Authorization": f"Bearer {found['token']}"}
        user = nobody.get("/user", headers=bearer).json()["user"]
        assert user["id"] == server.remote.access_key_id
        cut = {"Authorization": f"Bearer {found['token'][:-2]}"}
        assert nobody.get("/user", headers=cut).status_code == 401


def test_a_signed_address_is_no_login(server: Served, address: str) -> None:
    token = address.partition("/signed/")[2].partition("/")[0]
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{api_root(server.remote)}/user", headers=bearer).status_code == 401
