"""Uploads in parts through signed addresses: no key goes with the bytes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import lakefs
import lakefs_sdk
import pytest

from lake import keys
from lake.errors import TooLargeError
from lake.keys import Role
from lake.server.catalog import multipart
from lake.server.http import part_uploads
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.servers import Served

PARTS = (b"a" * 300_000, b"b" * 200_000, b"c")
WHOLE = b"".join(PARTS)


def put(url: str, data: bytes) -> str:
    """Send a part without keys; return its ETag."""
    answer = httpx.put(url, content=data, timeout=20.0)
    answer.raise_for_status()
    return str(answer.headers["etag"])


def begin(api: httpx.Client, repo: str, path: str = "big", parts: int = 3) -> dict[str, Any]:
    answer = api.post(
        f"{repo}/branches/main/staging/pmpu", params={"path": path, "parts": str(parts)}
    )
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    found: dict[str, Any] = answer.json()
    assert len(found["presigned_urls"]) == parts
    return found


def finish(
    api: httpx.Client, repo: str, upload: dict[str, Any], etags: list[str], **more: Any
) -> httpx.Response:
    parts = [{"part_number": n, "etag": etag} for n, etag in enumerate(etags, 1)]
    body = {"physical_address": upload["physical_address"], "parts": parts, **more}
    where = f"{repo}/branches/main/staging/pmpu/{upload['upload_id']}"
    return api.put(where, params={"path": "big"}, json=body)


def read(api: httpx.Client, repo: str) -> httpx.Response:
    return api.get(f"{repo}/refs/main/objects", params={"path": "big"})


def waiting(home: Path) -> list[Path]:
    return [path for path in (home / "staging").iterdir() if path.name.startswith("part-")]


def test_lakefs_client_uploads_in_parts(repository: lakefs.Repository, server: Served) -> None:
    sdk = server.client().sdk_client
    assert sdk.config_api.get_config().storage_config.pre_sign_multipart_upload
    api = sdk.experimental_api
    where = {"repository": repository.id, "branch": "main", "path": "big"}
    upload = api.create_presign_multipart_upload(**where, parts=2)
    third = api.upload_part(
        **where,
        upload_id=upload.upload_id,
        part_number=3,
        upload_part_from=lakefs_sdk.UploadPartFrom(physical_address=upload.physical_address),
    )
    urls = [*upload.presigned_urls, third.presigned_url]
    with ThreadPoolExecutor(3) as pool:
        etags = list(pool.map(put, urls, PARTS))
    stats = api.complete_presign_multipart_upload(
        **where,
        upload_id=upload.upload_id,
        complete_presign_multipart_upload=lakefs_sdk.CompletePresignMultipartUpload(
            physical_address=upload.physical_address,
            parts=[
                lakefs_sdk.UploadPart(part_number=n, etag=etag) for n, etag in enumerate(etags, 1)
            ],
            user_metadata={"k": "v"},
            content_type="t/x",
        ),
    )
    assert stats.checksum == hashlib.md5(WHOLE, usedforsecurity=False).hexdigest()
    assert (stats.size_bytes, stats.metadata, stats.content_type) == (
        len(WHOLE),
        {"k": "v"},
        "t/x",
    )
    assert repository.branch("main").object("big").reader(mode="rb").read() == WHOLE
    other = api.create_presign_multipart_upload(**where, parts=1)
    put(other.presigned_urls[0], b"given up")
    api.abort_presign_multipart_upload(
        **where,
        upload_id=other.upload_id,
        abort_presign_multipart_upload=lakefs_sdk.AbortPresignMultipartUpload(
            physical_address=other.physical_address
        ),
    )
    assert httpx.put(other.presigned_urls[0], content=b"late").status_code == HTTPStatus.NOT_FOUND
    assert waiting(server.home) == []


def test_a_part_that_is_sent_again_is_the_one_that_counts(
    api: httpx.Client, repo: str, server: Served
) -> None:
    upload = begin(api, repo)
    etags = [put(url, data) for url, data in zip(upload["presigned_urls"], PARTS, strict=True)]
    again = put(upload["presigned_urls"][1], b"other")
    assert len(waiting(server.home)) == len(PARTS)
    refused = finish(api, repo, upload, etags)
    assert (refused.status_code, "part 2" in refused.json()["message"]) == (400, True)
    done = finish(api, repo, upload, [etags[0], again, etags[2]])
    assert done.status_code == HTTPStatus.OK
    assert read(api, repo).content == PARTS[0] + b"other" + PARTS[2]
    assert finish(api, repo, upload, etags).status_code == HTTPStatus.NOT_FOUND
    assert waiting(server.home) == []


def test_only_what_was_begun_is_completed(api: httpx.Client, repo: str) -> None:
    upload = begin(api, repo)
    etags = [put(url, data) for url, data in zip(upload["presigned_urls"], PARTS, strict=True)]
    where = f"{repo}/branches/main/staging/pmpu/{upload['upload_id']}"
    in_turn = [{"part_number": n, "etag": etags[n - 1]} for n in (1, 2, 3)]
    address = {"physical_address": upload["physical_address"]}
    for params, body, status in (
        ({"path": "big"}, {**address, "parts": [in_turn[1], in_turn[0]]}, 400),
        ({"path": "big"}, {**address, "parts": [in_turn[0], in_turn[0]]}, 400),
        ({"path": "big"}, {**address, "parts": []}, 400),
        ({"path": "big"}, {**address, "parts": [{"part_number": 0, "etag": "x"}]}, 400),
        ({"path": "big"}, {**address, "parts": [{"part_number": 4, "etag": etags[0]}]}, 400),
        ({"path": "big"}, {"physical_address": "local:///etc/passwd", "parts": in_turn}, 400),
        ({"path": "other"}, {**address, "parts": in_turn}, 404),
    ):
        assert api.put(where, params=params, json=body).status_code == status, body
    other = where.replace(upload["upload_id"], "0" * 32)
    body = {**address, "parts": in_turn}
    assert api.put(other, params={"path": "big"}, json=body).status_code == HTTPStatus.NOT_FOUND
    assert read(api, repo).status_code == HTTPStatus.NOT_FOUND
    headers = {"If-Match": "0" * 32}
    held = api.put(where, params={"path": "big"}, json=body, headers=headers)
    assert held.status_code == HTTPStatus.PRECONDITION_FAILED
    assert finish(api, repo, upload, etags[:2]).status_code == HTTPStatus.OK
    assert read(api, repo).content == PARTS[0] + PARTS[1]


def test_numbers_of_parts_are_bounded(api: httpx.Client, repo: str) -> None:
    where = f"{repo}/branches/main/staging/pmpu"
    for wrong in ("-1", "10001", "x", "²", "1" * 5000, f"{'0' * 9}10001", "0" * 5000):
        answer = api.post(where, params={"path": "big", "parts": wrong})
        assert answer.status_code == HTTPStatus.BAD_REQUEST, wrong
    for path in ("", "a/../b", "x" * 1025):
        assert api.post(where, params={"path": path}).status_code == HTTPStatus.BAD_REQUEST
    upload = begin(api, repo, parts=0)
    body = {"physical_address": upload["physical_address"]}
    for number, status in (("0", 400), ("1", 200), ("10000", 200), ("10001", 400), ("x", 400)):
        place = f"{where}/{upload['upload_id']}/parts/{number}"
        assert api.put(place, params={"path": "big"}, json=body).status_code == status, number
    assert len(begin(api, repo, parts=10_000)["presigned_urls"]) == multipart.MAX_PARTS


def test_a_part_has_a_bound(
    local: InProcessLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = local.lake.catalog.multipart.begin(REPO, "main", "big", "t/x", {})

    async def body(size: int) -> AsyncIterator[bytes]:
        for _ in range(size):
            yield b"x"

    monkeypatch.setattr(part_uploads, "MAX_PART_BYTES", 10)
    asyncio.run(part_uploads.receive(local.lake, lambda: upload, 1, body(10)))
    with pytest.raises(TooLargeError):
        asyncio.run(part_uploads.receive(local.lake, lambda: upload, 1, body(11)))
    assert [part.size for part in local.lake.catalog.multipart.parts(upload)] == [10]
    assert len(list((tmp_path / "home" / "staging").iterdir())) == 1


def test_an_address_is_for_one_part_and_for_a_key_that_holds(
    api: httpx.Client, repo: str, server: Served
) -> None:
    made = keys.add(server.home, "ada", Role.WRITER)
    with httpx.Client(
        base_url=api.base_url, auth=(made.access_key_id, made.secret_access_key)
    ) as ada:
        upload = begin(ada, repo)
    first, second, _ = upload["presigned_urls"]
    head, _, number = first.rpartition("/")
    assert number == "1"
    etag = put(f"{head}/2", b"the first")  # the name says nothing, the token all
    token = head.rpartition("/")[2]
    for wrong in (first.replace(token, token[:-2] + "AA"), first.replace("/parts/", "/")):
        assert httpx.put(wrong, content=b"x").status_code == HTTPStatus.FORBIDDEN
    assert httpx.get(first).status_code == HTTPStatus.NOT_IMPLEMENTED
    keys.revoke(server.home, "ada")
    assert httpx.put(second, content=b"x").status_code == HTTPStatus.FORBIDDEN
    assert finish(api, repo, upload, [etag]).status_code == HTTPStatus.OK
    assert read(api, repo).content == b"the first"


def test_an_upload_goes_on_after_the_server_was_killed(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    served = serve(tmp_path / "home")
    repo = "/repositories/repo"
    with served.http() as api:
        api.post("/repositories", json={"name": "repo", "storage_namespace": "local://repo"})
        upload = begin(api, repo)
        urls = upload["presigned_urls"]
        etags = [put(urls[0], PARTS[0]), put(urls[1], PARTS[1])]
    served.kill()
    again = serve(tmp_path / "home")
    with again.http() as api:
        last = urls[2].replace(
            served.remote.endpoint.rpartition("//")[2], again.remote.endpoint.rpartition("//")[2]
        )
        done = finish(api, repo, upload, [*etags, put(last, PARTS[2])])
        assert done.status_code == HTTPStatus.OK, done.text
        assert read(api, repo).content == WHOLE


def test_what_was_never_completed_is_collected(
    local: InProcessLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = local.lake.catalog.multipart
    upload = uploads.begin(REPO, "main", "big", "t/x", {})
    file = tmp_path / "home" / "staging" / "part-1"
    file.write_bytes(b"x")
    uploads.add(upload, multipart.Part(1, file.name, "md5", 1, upload.created))
    count = (
        "SELECT (SELECT count(*) FROM multipart_uploads) + (SELECT count(*) FROM multipart_parts)"
    )
    database = local.lake.catalog.database
    local.collect()
    assert (file.exists(), database.connection.execute(count).fetchone()) == (True, (2,))
    later = time.time() + multipart.KEEP_SECONDS + 10
    monkeypatch.setattr(time, "time", lambda: later)
    local.collect()
    assert (file.exists(), database.connection.execute(count).fetchone()) == (False, (0,))
