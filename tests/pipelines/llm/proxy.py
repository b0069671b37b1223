"""A proxy on loopback, in front of the real server, that does to requests what a script says.

It listens on a real socket in a thread of its own. A request that the script has nothing for is
passed on, with the server's key in place of the client's.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pipelines.llm.settings import Access

LOOK = 0.02


@dataclass(frozen=True)
class Seen:
    """A request that arrived: when, at which path, with which body and headers."""

    at: float
    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass
class Exchange:
    """One request, and the ways to answer it."""

    seen: Seen
    raw: bytes
    upstream: Access
    writer: asyncio.StreamWriter

    async def passed_on(self) -> tuple[int, bytes]:
        return await asyncio.to_thread(self._ask)

    async def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self.writer.write(self.head(status, len(body), headers or {}) + body)
        await self.writer.drain()

    @staticmethod
    def head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
        fixed = {"Content-Type": "application/json", "Content-Length": str(length)}
        lines = [f"{name}: {value}" for name, value in {**fixed, **headers}.items()]
        return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode()

    def _ask(self) -> tuple[int, bytes]:
        address = urlsplit(self.upstream.base_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {
            "Authorization": f"Bearer {self.upstream.key}",
            "Content-Type": "application/json",
        }
        with closing(connection):
            connection.request("POST", self.seen.path, self.raw, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


Act = Callable[[Exchange], Awaitable[None]]


async def pass_on(exchange: Exchange) -> None:
    await exchange.answer(*await exchange.passed_on())


def status(code: int, body: object = None, **headers: str) -> Act:
    """Refuse, with headers whose names have underscores for dashes."""
    content = {"error": {"message": "not now"}} if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def act(exchange: Exchange) -> None:
        await exchange.answer(code, json.dumps(content).encode(), named)

    return act


def say(body: bytes) -> Act:
    """Answer 200 with these bytes."""

    async def act(exchange: Exchange) -> None:
        await exchange.answer(200, body)

    return act


async def cut(exchange: Exchange) -> None:
    """Close the connection in the middle of the real answer."""
    code, body = await exchange.passed_on()
    exchange.writer.write(exchange.head(code, len(body), {}) + body[: len(body) // 2])
    await exchange.writer.drain()
    exchange.writer.close()


def slow(pause: float) -> Act:
    """Send an answer byte by byte, so that no single read takes long."""

    async def act(exchange: Exchange) -> None:
        with suppress(ConnectionError):
            exchange.writer.write(exchange.head(200, 1000, {}))
            for _ in range(1000):
                exchange.writer.write(b" ")
                await exchange.writer.drain()
                await asyncio.sleep(pause)

    return act


def retold(text: str) -> Act:
    """The real answer, with another text in it."""

    async def act(exchange: Exchange) -> None:
        code, body = await exchange.passed_on()
        content = json.loads(body)
        content["choices"][0]["text"] = text
        await exchange.answer(code, json.dumps(content).encode())

    return act


@dataclass
class Proxy:
    """The proxy, running while it is entered."""

    upstream: Access
    key: str
    script: deque[Act] = field(default_factory=deque)
    """What to do to the next requests, in order of arrival; then they are passed on."""
    always: Act = pass_on
    seen: list[Seen] = field(default_factory=list)
    open: int = 0
    most: int = 0
    """Requests at once, now and at most."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                await self._exchange(reader, writer)
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        path = lines[0].split(" ")[1]
        seen = Seen(time.monotonic(), path, json.loads(raw or b"{}"), headers)
        self.seen.append(seen)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            act = self.script.popleft() if self.script else self.always
            await act(Exchange(seen, raw, self.upstream, writer))
        finally:
            self.open -= 1


def answering(reply: Callable[[dict[str, Any]], object]) -> Act:
    """Answer chats from their bodies alone, as JSON text; the upstream is not asked."""

    async def act(exchange: Exchange) -> None:
        message = {"role": "assistant", "content": json.dumps(reply(exchange.seen.body))}
        content = {
            "model": exchange.seen.body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 5},
        }
        await exchange.answer(200, json.dumps(content).encode())

    return act


NOBODY: Final = Access("http://127.0.0.1:1/v1", "nobody")
"""The upstream of a proxy that answers by itself."""
