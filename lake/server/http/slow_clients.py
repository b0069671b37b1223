"""HTTP for clients that are slow on purpose or by accident: time limits on headers and bodies.

uvicorn's protocol waits without end for unfinished request headers and for a body that stops
coming. Here the headers must arrive within a time limit, a body must keep coming at a least pace,
and a client must keep reading its response.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lake.server.http.auth import MAX_HEADERS, MAX_URL

MAX_REQUEST_HEAD: Final = MAX_HEADERS + MAX_URL
"""Largest request line and headers together, in bytes."""
TIMEOUT_SECONDS: Final = 60.0
"""Time limit for request headers, and the time over which the pace of a body is measured."""
MAX_CONNECTIONS: Final = 4096
"""Most connections at once, where the process may have as many open files."""
RESERVED_FILES: Final = 256
"""Open files that are kept for the catalogue, objects and the log."""
MIN_PACE: Final = 1024
"""Least bytes a second at which a body must arrive."""


class TimeoutProtocol(HttpToolsProtocol):
    """One connection of a client that may be slow."""

    timeout_seconds: ClassVar[float] = TIMEOUT_SECONDS
    max_connections: ClassVar[int] = MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  uvicorn's own
        """Begin without a request."""
        super().__init__(*args, **kwargs)
        self._awaits_headers = True
        self._headers_count = 0
        self._headers_size = 0
        self._received = 0
        self._timer: asyncio.TimerHandle | None = None

    # From the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit for the first headers; one connection too many is refused."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(b"503 Service Unavailable", b"the lake has too many connections")
        else:
            self._start_timer(self._headers_timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes, and start or stop the time limit that they call for."""
        awaited, count = self._awaits_headers, self._headers_count
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        unfinished = awaited and self._awaits_headers and count == self._headers_count
        self._headers_size = self._headers_size + len(data) if unfinished else 0
        if self._headers_size > MAX_REQUEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large", b"the headers are too large")
        elif self._timer is None and not self._is_responding():
            self._start_timer(
                self._headers_timed_out if self._awaits_headers else self._measure_body
            )

    def pause_writing(self) -> None:
        """Start the time limit for a client that does not read."""
        super().pause_writing()
        self._start_timer(self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the time limit: the client reads."""
        self._stop_timer()
        super().resume_writing()

    # From the parser

    def on_headers_complete(self) -> None:
        """Stop the time limit of the headers; the body comes next."""
        self._awaits_headers = False
        self._headers_count += 1
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the time limit of the body; the next headers come next."""
        self._awaits_headers = True
        self._stop_timer()
        super().on_message_complete()

    # Time limits

    def _is_responding(self) -> bool:
        """Whether a request is there in full and its response is not."""
        busy = self.cycle is not None and not self.cycle.response_complete
        return busy and self._awaits_headers

    def _start_timer(self, callback: Any) -> None:  # noqa: ANN401  a callback
        self._stop_timer()
        self._received = 0
        self._timer = self.loop.call_later(self.timeout_seconds, callback)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _headers_timed_out(self) -> None:
        message = f"Request headers must arrive within {self.timeout_seconds:g} s."
        self._refuse(b"408 Request Timeout", message.encode())

    def _measure_body(self) -> None:
        """Refuse a body that came too slowly, unless the server itself was too slow to read it."""
        enough = self._received >= MIN_PACE * self.timeout_seconds
        if enough or self.flow.read_paused:
            self._start_timer(self._measure_body)
        else:
            message = f"A request body must arrive at {MIN_PACE} bytes a second or more."
            self._refuse(b"408 Request Timeout", message.encode())

    def _refuse(self, status: bytes, message: bytes) -> None:
        self._stop_timer()
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = b'{"message":"' + message + b'"}'
            headers = b"content-type: application/json\r\nconnection: close\r\ncontent-length: "
            size = str(len(body)).encode()
            self.transport.write(b"HTTP/1.1 %b\r\n%b%b\r\n\r\n%b" % (status, headers, size, body))
        self.transport.close()


def protocol(seconds: float) -> type[TimeoutProtocol]:
    """The protocol with a time limit in seconds, and as many connections as there are files for.

    The process's limit on open files is raised as far as it may go.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    connections = max(1, min(limit, wanted) - RESERVED_FILES)
    limits = {"timeout_seconds": seconds, "max_connections": connections}
    return type("TimeoutProtocol", (TimeoutProtocol,), limits)
