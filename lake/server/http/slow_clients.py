"""HTTP for clients that are slow on purpose or by accident: heads, bodies and readers in time.

uvicorn's protocol has no limit for an unfinished head and none for a body that stops coming. Here a
head must be there within the patience of the server, a body must go on coming, and an answer must
go on being read.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lake.server.http.auth import MAX_HEADERS, MAX_URL

MAX_HEAD: Final = MAX_HEADERS + MAX_URL
PATIENCE: Final = 60.0
"""Seconds that a client may take for a head, and after which the pace of a body is judged."""
PACE: Final = 1024
"""Bytes a second that a body must come at."""


class PatientProtocol(HttpToolsProtocol):
    """One connection."""

    patience: ClassVar[float] = PATIENCE

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  uvicorn's own
        """Begin without a request."""
        super().__init__(*args, **kwargs)
        self._waits_for_head = True
        self._heads = 0
        self._head_size = 0
        self._came = 0
        self._timer: asyncio.TimerHandle | None = None

    # From the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._start(self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes, and start or stop waiting."""
        waited, heads = self._waits_for_head, self._heads
        self._came += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        unfinished = waited and self._waits_for_head and heads == self._heads
        self._head_size = self._head_size + len(data) if unfinished else 0
        if self._head_size > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large", b"the head is too large")
        elif self._timer is None and not self._answering():
            self._start(self._head_late if self._waits_for_head else self._body_late)

    def pause_writing(self) -> None:
        """Wait until the client reads on."""
        super().pause_writing()
        self._start(self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: the client reads."""
        self._stop()
        super().resume_writing()

    # From the parser

    def on_headers_complete(self) -> None:
        """A head is there; its body comes next."""
        self._waits_for_head = False
        self._heads += 1
        self._stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is there; the next head comes next."""
        self._waits_for_head = True
        self._stop()
        super().on_message_complete()

    # Waiting

    def _answering(self) -> bool:
        """Tell whether a request is there in full and its answer is not."""
        busy = self.cycle is not None and not self.cycle.response_complete
        return busy and self._waits_for_head

    def _start(self, late: Any) -> None:  # noqa: ANN401  a callback
        self._stop()
        self._came = 0
        self._timer = self.loop.call_later(self.patience, late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_late(self) -> None:
        self._refuse(b"408 Request Timeout", b"the head of the request did not come in time")

    def _body_late(self) -> None:
        """Judge how much of a body came; while the server itself is behind, nothing is judged."""
        if self._came < PACE * self.patience and not self.flow.read_paused:
            self._refuse(b"408 Request Timeout", b"the body of the request did not come in time")
        else:
            self._start(self._body_late)

    def _refuse(self, status: bytes, reason: bytes) -> None:
        self._stop()
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = b'{"message":"' + reason + b'"}'
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: "
            size = str(len(body)).encode()
            self.transport.write(b"HTTP/1.1 %b\r\n%b%b\r\n\r\n%b" % (status, head, size, body))
        self.transport.close()


def patient(seconds: float) -> type[PatientProtocol]:
    """The protocol with another patience."""
    return type("PatientProtocol", (PatientProtocol,), {"patience": seconds})
