"""Small objects one by one, by 1 to 16 clients at once: uploads and reads a second.

The clients are one thread that keeps a connection for each and sends the next request as soon as
the last one was answered, so that little processor time goes into asking. What a lakeFS server
took on two such cores (version of July 2026; wrk, 1 kB) is kept here, because no package installs
one.
"""

from __future__ import annotations

import base64
import hashlib
import selectors
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.measured import Goal, Row, check, measured
from benchmarks.served import REPOSITORY, Served, serving
from lake.settings import Remote

SIZE: Final = 1_000
LAKEFS: Final = {
    "upload": {1: 98, 8: 720, 16: 1_340},
    "read": {1: 292, 8: 2_100, 16: 3_900},
}
"""Requests a second of a lakeFS server, by clients at once."""
_HEAD_END: Final = b"\r\n\r\n"


def loaded(scratch: Path, count: int) -> Iterator[Row]:
    """Upload and read objects, `count` of each for every number of clients."""
    home = scratch / "lake-load"
    with serving(home) as served:
        for clients in LAKEFS["upload"]:
            yield _row(served, "upload", clients, count, _upload)
            yield _row(served, "read", clients, count, _read)
        _check_committed(served, count)
    shutil.rmtree(home)


def _row(
    served: Served, work: str, clients: int, count: int, make: Callable[[int, int], bytes]
) -> Row:
    with measured(served.pid) as taken:
        answers = ask_all(served.remote, clients, [make(clients, n) for n in range(count)])
    if work == "read":
        wrong = sum(body != _data(clients, n) for n, body in enumerate(answers))
        check(not wrong, f"{wrong} objects do not read as they were written")
    way = f"{count / taken.seconds:,.0f} a second, {clients} at once"
    kept = LAKEFS[work][clients]
    goal = Goal(f"lakeFS, {kept:,} a second", count / kept)
    return Row(f"{work}-{clients}", f"{work} {count:,} objects", way, taken, count, goals=[goal])


def _check_committed(served: Served, count: int) -> None:
    commit = served.lake.commit("main", "load", {})
    found = {item.path: item.size for item in served.lake.objects(commit.id)}
    expected = {_path(clients, n): SIZE for clients in LAKEFS["upload"] for n in range(count)}
    check(found == expected, f"{len(found)} of {len(expected)} objects are in the commit")


def ask_all(remote: Remote, clients: int, requests: list[bytes]) -> list[bytes]:
    """Send requests over some connections, each when the one before it was answered.

    Args:
        remote: the lake.
        clients: how many connections.
        requests: method and target, an empty line, and the body.

    Returns:
        The body of each answer, in the order of the requests.

    Raises:
        ValueError: an answer is an error.
    """
    return _Load(remote, requests).run(clients)


class _Load:
    """Requests on their way, and what was answered."""

    def __init__(self, remote: Remote, requests: list[bytes]) -> None:
        parts = urlsplit(remote.endpoint)
        self._address = (parts.hostname or "", parts.port or 80)
        pair = f"{remote.access_key_id}:{remote.secret_access_key}".encode()
        host = f"{self._address[0]}:{self._address[1]}"
        self._headers = f"Host: {host}\r\nAuthorization: Basic ".encode() + base64.b64encode(pair)
        self._requests = requests
        self._answers = [b""] * len(requests)
        self._next = 0

    def run(self, clients: int) -> list[bytes]:
        """Ask everything."""
        with selectors.DefaultSelector() as selector:
            for _ in range(clients):
                connection = socket.create_connection(self._address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ, [self._send(connection), b""])
            while selector.get_map():
                for key, _ in selector.select():
                    self._receive(selector, key)
        return self._answers

    def _send(self, connection: socket.socket) -> int:
        number, self._next = self._next, self._next + 1
        target, _, body = self._requests[number].partition(b"\n\n")
        length = str(len(body)).encode()
        head = b"%b HTTP/1.1\r\n%b\r\nContent-Length: %b\r\n\r\n" % (target, self._headers, length)
        connection.sendall(head + body)
        return number

    def _receive(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        connection, state = key.fileobj, key.data
        assert isinstance(connection, socket.socket)  # noqa: S101  what was registered
        state[1] += connection.recv(1 << 16)
        head, end, body = state[1].partition(_HEAD_END)
        if not end or len(body) < _length(head):
            return
        check(head[9:10] == b"2", f"the lake answers {head[:200]!r}")
        self._answers[state[0]] = body
        if self._next < len(self._requests):
            state[0], state[1] = self._send(connection), b""
        else:
            selector.unregister(connection)
            connection.close()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def _path(clients: int, number: int) -> str:
    return f"load-{clients}/part-{number:05d}"


def _data(clients: int, number: int) -> bytes:
    return hashlib.shake_128(f"{clients} {number}".encode()).digest(SIZE)


def _upload(clients: int, number: int) -> bytes:
    where = f"/api/v1/repositories/{REPOSITORY}/branches/main/objects?path="
    return f"POST {where}{_path(clients, number)}\n\n".encode() + _data(clients, number)


def _read(clients: int, number: int) -> bytes:
    where = f"/api/v1/repositories/{REPOSITORY}/refs/main/objects?path="
    return f"GET {where}{_path(clients, number)}\n\n".encode()
