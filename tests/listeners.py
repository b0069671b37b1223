"""A program that got the port of another one, and keeps what it is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lake.polling import repeat

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


@dataclass
class Heard:
    """Where it listens, how many have connected, and all bytes they sent."""

    url: str
    connections: int = 0
    received: bytes = field(default=b"")


@contextmanager
def listener(url: str = "http://127.0.0.1:0") -> Iterator[Heard]:
    """Listen at an address, as soon as it is free, and answer everything with 200."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place = ("127.0.0.1", urlsplit(url).port or 0)
        repeat(lambda: listening.bind(place), on=OSError, interval=0.01, timeout=10)
        listening.listen()
        heard = Heard(f"http://127.0.0.1:{listening.getsockname()[1]}")
        hearing = threading.Thread(target=_hear, args=(listening, heard), daemon=True)
        hearing.start()
        try:
            yield heard
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            hearing.join(5)


def _hear(listening: socket.socket, heard: Heard) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        heard.connections += 1
        with connection, suppress(OSError):
            connection.settimeout(2)
            while b"\r\n\r\n" not in heard.received[-65536:]:
                data = connection.recv(65536)
                if not data:
                    break
                heard.received += data
            connection.sendall(ANSWER)
