"""Calls that cannot be finished leave nothing: an upload cut off, a disk without room."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lake.home import LakeHome
from lake.polling import until
from lake.server.maintenance import fsck
from tests.lake.servers import Served, fill


def put(api: httpx.Client, repo: str, path: str, data: bytes) -> int:
    where = f"{repo}/branches/main/objects"
    return api.post(where, params={"path": path}, content=data).status_code


def commit(api: httpx.Client, repo: str, message: str) -> httpx.Response:
    return api.post(f"{repo}/branches/main/commits", json={"message": message})


def send(served: Served, head: Sequence[str], body: bytes) -> None:
    """Send part of a request, and hang up."""
    where = urlsplit(served.remote.endpoint)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), 10) as line:
        with served.http() as api:
            given = api.build_request("GET", "/config")
            auth = next(api.auth.auth_flow(given)).headers["Authorization"] if api.auth else ""
        lines = [*head, "Host: lake", f"Authorization: {auth}"]
        line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        time.sleep(0.1)


@pytest.mark.parametrize("framing", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("kind", ["application/x", "multipart/form-data; boundary=b"])
def test_an_upload_cut_off_leaves_nothing(
    serve: Callable[..., Served], tmp_path: Path, framing: str, kind: str
) -> None:
    served = serve(tmp_path / "home")
    home = LakeHome(served.home)
    with served.http() as api:
        wanted = {"name": "cut", "storage_namespace": "local://cut"}
        api.post("/repositories", json=wanted).raise_for_status()
        part = bytes(100_000)
        if kind.startswith("multipart"):
            named = b'--b\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n'
            part = named + part
        if framing.startswith("Transfer"):
            part = f"{len(part):x}\r\n".encode() + part + b"\r\n"
        post = "POST /api/v1/repositories/cut/branches/main/objects?path=a HTTP/1.1"
        send(served, [post, framing, f"Content-Type: {kind}"], part)
        until(lambda: not list(home.staging.iterdir()), interval=0.02, timeout=5)
        assert list(home.staging.iterdir()) == []
        assert api.get("/repositories/cut/refs/main/objects?path=a").status_code == 404
        assert put(api, "/repositories/cut", "a", b"whole") == 201
    report = fsck.check(home)
    assert (report.objects, report.problems) == (1, ())


def test_a_full_disk_leaves_nothing_half_done(serve: Callable[..., Served], disk: Path) -> None:
    served = serve(disk / "home")
    with served.http() as api:
        wanted = {"name": "full", "storage_namespace": "local://full"}
        api.post("/repositories", json=wanted).raise_for_status()
        repo = "/repositories/full"
        for number in range(40):
            assert put(api, repo, f"{number:03}", b"1") == 201
        commit(api, repo, "before").raise_for_status()
        assert put(api, repo, "staged", b"2") == 201
        fill(disk)
        answer = commit(api, repo, "x" * 300_000)
        assert answer.status_code == 507, answer.text
        assert messages(api, repo) == ["before", "Repository created"]
        (disk / "ballast").unlink()
        assert commit(api, repo, "after").status_code == 201
        assert messages(api, repo)[0] == "after"
        assert api.get(f"{repo}/refs/main@/objects?path=staged").content == b"2"
    assert fsck.check(LakeHome(served.home)).problems == ()


def messages(api: httpx.Client, repo: str) -> list[str]:
    found = api.get(f"{repo}/refs/main/commits").json()["results"]
    return [item["message"] for item in found]
