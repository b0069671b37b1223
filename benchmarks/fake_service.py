"""A service that answers at once, to measure what asking costs.

    python -m benchmarks.fake_service [--delay 0.005]

It speaks as much of OpenAI's API as a chat completion needs, and answers each request after
`--delay` seconds with the same kind of JSON object. Its first line names its address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import httptools

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
FIRST: Final = 100 * 8_192
"""Number of the first text that is said, beyond those of the real rows."""
USAGE: Final = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130}


class Service(asyncio.Protocol):
    """One connection, on which one request follows another."""

    served = 0
    """Requests that were answered, or begun to be, over all connections."""

    def __init__(self, delay: float, content: Callable[[int], str]) -> None:
        """Wait for a request."""
        self._delay = delay
        self._content = content
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer a request after the delay; any GET says how many posts there were."""
        if self._parser.get_method() == b"GET":
            self._send(str(Service.served).encode())
            return
        Service.served += 1
        said = self._content(Service.served)
        answer = json.dumps(completion(Service.served, said)).encode()
        asyncio.get_running_loop().call_later(self._delay, self._send, answer)

    def _send(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(HEAD % (len(body), body))  # type: ignore[attr-defined]


def dialogue(number: int) -> str:
    """Make up what the model says: a question and an answer."""
    return json.dumps({"question": f"What is number {number}?", "answer": "It is a number."})


def texts() -> Callable[[int], str]:
    """Let the model say the texts of `benchmarks.scale`, another one each time."""
    from benchmarks.scale import rows  # noqa: PLC0415  takes a second, which no other use needs

    @lru_cache(maxsize=1)
    def block(number: int) -> list[str]:
        first = FIRST + number * rows.BLOCK
        return rows.texts(range(first, first + rows.BLOCK))["text"].to_list()

    return lambda number: json.dumps({"text": block(number // rows.BLOCK)[number % rows.BLOCK]})


def completion(number: int, content: str) -> dict[str, object]:
    """Make up the answer to a request."""
    message = {"role": "assistant", "content": content}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fake-1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }


async def serve(delay: float, content: Callable[[int], str] = dialogue) -> None:
    """Serve on a free port of this machine until the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Service(delay, content), "127.0.0.1", 0, backlog=1000)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fake_service", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.005, help="seconds before each answer")
    parser.add_argument("--texts", action="store_true", help="answer with texts of 200 letters")
    options = parser.parse_args()
    asyncio.run(serve(options.delay, texts() if options.texts else dialogue))


if __name__ == "__main__":
    main()
