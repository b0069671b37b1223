"""Garbage collection as it is asked for: the server's own call, and `stemma lake gc`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from lake.server.maintenance import gc
from review.commands import gc as command
from review.errors import UsageError
from tests.lake.in_process import InProcessLake
from tests.lake.servers import Served, environment


def test_it_asks_for_the_key_pair_and_right_values(api: httpx.Client, server: Served) -> None:
    where = f"{server.remote.endpoint}/api/v1/_stemma/gc"
    assert httpx.post(where, json={}).status_code == 401
    for wrong in (
        {"keep_seconds": -1},
        {"keep_seconds": "1"},
        {"keep_seconds": 1 << 64},
        {"also": "abc"},
        {"also": [1]},
    ):
        assert api.post("/_stemma/gc", json=wrong).status_code == 400


def stemma(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "review.cli.app", "lake", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(),
        check=False,
        timeout=60,
    )


def test_the_command_keeps_what_receipts_name(serve: Callable[..., Served], tmp_path: Path) -> None:
    local = InProcessLake(tmp_path / ".lake")
    named, sha256 = local.abandon("named", b"named")
    local.abandon("gone", b"gone")
    receipt = tmp_path / "rounds" / "tiny" / "1" / "verify.json"
    receipt.parent.mkdir(parents=True)
    receipt.write_text(json.dumps({"commit": named}), encoding="utf-8")
    (receipt.parent / "other.json").write_text("no receipt", encoding="utf-8")
    serve(tmp_path / ".lake")
    said = stemma("gc", "--keep", "0", "--dry-run", cwd=tmp_path)
    assert "would free 1 objects (4 bytes), 1 commits" in said.stdout, said.stderr
    assert "kept 1 commits" in said.stdout
    found = json.loads(stemma("gc", "--keep", "0", "--json", cwd=tmp_path).stdout)
    assert (found["dry_run"], found["objects"], found["spared"]) == (False, 1, 1)
    assert local.has_object(sha256)
    receipt.unlink()
    assert "freed 0 objects" in stemma("gc", cwd=tmp_path).stdout


def test_the_command_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    said = stemma("gc", cwd=tmp_path)
    assert (said.returncode, len(said.stderr.splitlines())) == (4, 1)
    assert "there is no lake in" in said.stderr
    assert not (tmp_path / ".lake").exists()
    said = stemma("gc", "--keep", "soon", cwd=tmp_path)
    assert (said.returncode, len(said.stderr.splitlines())) == (2, 1)


def test_a_length_of_time_is_read() -> None:
    assert [command.seconds(text) for text in ("0", "90s", "2m", "12h", "7d")] == [
        0,
        90,
        120,
        43_200,
        gc.KEEP,
    ]
    for text in ("", "-1", "1w", "1.5h", "²"):
        with pytest.raises(UsageError):
            command.seconds(text)
