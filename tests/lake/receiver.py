"""A real receiver of webhooks, which answers each path as its test says."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lake.polling import until

Answer = Callable[[dict[str, Any]], tuple[int, bytes, dict[str, str]]]
"""Makes status, body and headers of what the receiver was sent."""


def agree(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
    return 200, b"", {}


def refuse(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
    return 403, b"the rows are too few", {}


@dataclass(frozen=True, slots=True)
class Call:
    """What the receiver was sent."""

    event: dict[str, Any]
    headers: dict[str, str]
    query: dict[str, list[str]]


class Receiver:
    """The server, with what it was sent by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._answers: dict[str, Answer] = {}
        self._calls: defaultdict[str, list[Call]] = defaultdict(list)

    def hook(self, path: str, answer: Answer = agree) -> str:
        """The URL of a path that answers so."""
        self._answers[path] = answer
        return f"{self.url}{path}"

    def calls(self, path: str) -> list[Call]:
        return self._calls[path]

    def waited(self, path: str, count: int = 1) -> list[Call]:
        """The calls of a path, once there are so many."""
        until(lambda: len(self._calls[path]) >= count, interval=0.01, timeout=10)
        assert len(self._calls[path]) == count, self._calls[path]
        return self._calls[path]

    def answered(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, Any]:
        parts = urlsplit(url)
        event = json.loads(body)
        self._calls[parts.path].append(Call(event, headers, parse_qs(parts.query)))
        return self._answers.get(parts.path, agree)(event)


@contextmanager
def receiving(url: str = "") -> Iterator[Receiver]:
    """A receiver for as long as it is needed.

    Args:
        url: how a server elsewhere reaches it; its port is listened on.
    """
    place = ("0.0.0.0", urlsplit(url).port or 80) if url else ("127.0.0.1", 0)  # noqa: S104

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content, more = receiver.answered(self.path, headers, body)
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass  # a caller that gave up

    with Server(place, Handler) as server:
        receiver = Receiver(url or f"http://127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            serving.join(5)
