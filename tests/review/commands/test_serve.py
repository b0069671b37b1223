"""`stemma lake serve`: what it tells whoever waits for it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from lake.daemon import Endpoint
from lake.home import LakeHome
from review.commands import serve


@pytest.mark.parametrize("as_json", [False, True])
def test_all_that_clients_need_is_written_at_once(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"LAKECTL_CREDENTIALS_{name}", raising=False)
    lake = LakeHome(tmp_path)
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with reader, writer, writer.makefile("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        serve._tell(lake, Endpoint("http://127.0.0.1:1", 1), as_json=as_json)
        reader.setblocking(False)
        content = reader.recv(65536).decode()  # one write
        with pytest.raises(BlockingIOError):
            reader.recv(65536)
    assert lake.credentials().access_key_id in content
    assert str(tmp_path / "credentials.json") in content
    if not as_json:
        variables = [line.strip().partition("=")[0] for line in content.splitlines()[1:]]
        assert variables == [
            "LAKECTL_SERVER_ENDPOINT_URL",
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID",
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
        ]
