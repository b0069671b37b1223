"""Many clients at once: each writes, reads back and commits on the same branch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.measured import Row, check, measured
from benchmarks.served import Plain, serving

CLIENTS: Final = 8
SIZE: Final = 20_000
COMMIT_EVERY: Final = 50
"""Rounds after which a client commits."""


def together(scratch: Path, rounds: int) -> Iterator[Row]:
    """Let 8 clients write, read and commit; none may fail, and nothing may be lost."""
    home = scratch / "lake-clients"
    with serving(home) as served:
        plain = Plain(served.remote)
        with measured(served.pid) as taken, ThreadPoolExecutor(CLIENTS) as pool:
            calls = sum(pool.map(lambda client: _client(plain, client, rounds), range(CLIENTS)))
        commit = served.lake.commit("main", "the rest", {})
        committed = {item.path: item.checksum for item in served.lake.objects(commit.id)}
    expected = {
        _path(client, number): hashlib.md5(_data(client, number), usedforsecurity=False).hexdigest()
        for client in range(CLIENTS)
        for number in range(rounds)
    }
    check(committed == expected, f"{len(committed)} of {len(expected)} objects are in the commit")
    shutil.rmtree(home)
    way = (
        f"upload and read back, a commit each {COMMIT_EVERY}; {calls / taken.seconds:,.0f} calls/s"
    )
    yield Row("clients", f"{CLIENTS} clients at once, {calls:,} calls", way, taken, calls)


def _client(plain: Plain, client: int, rounds: int) -> int:
    """One client's rounds; return how many calls it made."""
    calls = 0
    for number in range(rounds):
        path, data = _path(client, number), _data(client, number)
        plain.ask("POST", "/branches/main/objects", data, path=path)
        data_read = plain.ask("GET", "/refs/main/objects", path=path)
        check(data_read == data, f"{path} does not read as it was written")
        calls += 2
        if number % COMMIT_EVERY == COMMIT_EVERY - 1:
            body = json.dumps({"message": f"client {client}", "allow_empty": True}).encode()
            plain.ask("POST", "/branches/main/commits", body)
            calls += 1
    return calls


def _path(client: int, number: int) -> str:
    return f"client-{client}/part-{number:05d}"


def _data(client: int, number: int) -> bytes:
    return hashlib.shake_128(f"{client} {number}".encode()).digest(SIZE)
