"""What a service answers, whoever it is: bounded after it is unpacked, and read to the end or not.

A gzip of a megabyte became a gigabyte and a half; brackets, tokens and codes of any size and kind
ended the run with a traceback.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from pathlib import Path

import pytest

from pipelines.llm import bounds
from pipelines.llm.ask import ask
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply, request
from tests.pipelines.llm.proxy import Act, Exchange, Proxy, say

PACKED = {"Content-Encoding": "gzip"}


def bomb(megabytes: int) -> bytes:
    pack = zlib.compressobj(1, wbits=31)
    parts = [pack.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join([*parts, pack.flush()])


BOMB = bomb(100)


def packed(body: bytes, status: int = 200, **headers: str) -> Act:
    async def act(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.answer(status, body, named or PACKED)

    return act


def failed(proxy: Proxy, service: Service, cache: Path, act: Act) -> Failure:
    proxy.always = act
    lenient = service.model_copy(update={"max_failures": 1})
    (failure,) = ask([request(lenient, "One two", seed=5)], lenient, cache=cache)
    assert isinstance(failure, Failure)
    return failure


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_answer_is_not_unpacked_beyond_its_bound(
    proxy: Proxy, service: Service, cache: Path, status: int
) -> None:
    assert len(BOMB) < 1 << 20
    tracemalloc.start()
    try:
        failure = failed(proxy, service, cache, packed(BOMB, status))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert failure.reason == f"{proxy.url} answered with more than {bounds.MAX_BYTES:,} bytes"
    assert failure.attempts == len(proxy.seen) == 1
    assert most < 3 * bounds.MAX_BYTES


def test_an_answer_that_is_not_packed_has_the_same_bound(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    async def endless(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not exchange.writer.is_closing():
            exchange.writer.write(bytes(1 << 16))
            await exchange.writer.drain()

    failure = failed(proxy, service, cache, endless)
    assert "answered with more than" in failure.reason


def test_only_gzip_is_asked_for_and_unpacked(proxy: Proxy, service: Service, cache: Path) -> None:
    failure = failed(proxy, service, cache, packed(BOMB, Content_Encoding="gzip, gzip"))
    assert "answered in the encoding 'gzip, gzip', which was not asked for" in failure.reason
    failure = failed(proxy, service, cache / "b", packed(b"\x0b", Content_Encoding="br\x07"))
    assert "which was not asked for" in failure.reason
    failure = failed(proxy, service, cache / "c", packed(b"no gzip"))
    assert "answered with gzip that cannot be unpacked" in failure.reason
    assert {seen.headers["accept-encoding"] for seen in proxy.seen} == {"gzip"}


def test_an_answer_in_gzip_is_read(proxy: Proxy, service: Service, cache: Path) -> None:
    async def act(exchange: Exchange) -> None:
        code, body = await exchange.passed_on()
        half = len(body) // 2  # two members, as RFC 1952 allows
        await exchange.answer(code, gzip.compress(body[:half]) + gzip.compress(body[half:]), PACKED)

    proxy.script.append(act)
    (reply,) = ask([request(service, "One two", seed=5)], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.attempts == 1


def test_gzip_comes_in_pieces_of_bounded_size() -> None:
    unpack = bounds.Gunzip()
    data = gzip.compress(bytes(1 << 20)) + gzip.compress(b"end")
    pieces = [
        piece
        for start in range(0, len(data), 100)
        for piece in unpack.pieces(data[start : start + 100])
    ]
    assert b"".join(pieces) == bytes(1 << 20) + b"end"
    assert max(map(len, pieces)) <= 1 << 16


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"choices":' * 50_000, b"9" * 100_000])
def test_an_answer_that_is_nested_or_long_is_no_traceback(
    proxy: Proxy, service: Service, cache: Path, body: bytes
) -> None:
    failure = failed(proxy, service, cache, say(body))
    assert "answered with something that is not JSON" in failure.reason


@pytest.mark.parametrize("count", [True, -1_000_000, 10**30, "7"])
def test_tokens_that_are_no_count_are_none(
    proxy: Proxy, service: Service, cache: Path, count: object
) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": count}
    proxy.script.append(say(json.dumps({"choices": [{"text": "x"}], "usage": usage}).encode()))
    (reply,) = ask([request(service, "One two", seed=5)], service, cache=cache)
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_out) == (0, 0)
