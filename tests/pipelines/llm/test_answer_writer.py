"""Answers are written by a thread, and each is on disk before it is used."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.common.errors import ServiceError
from pipelines.llm.answer_writer import AnswerWriter
from pipelines.llm.cache import FILE, Cache
from pipelines.llm.values import Reply, Usage

ONE = Reply("d0", "t", {"a": 1}, "m", 3, 4, 0.5, 1, 7, "stop", 0.25)


def some(count: int) -> list[Reply]:
    return [replace(ONE, digest=f"d{number}") for number in range(count)]


def test_answers_of_many_are_on_disk_when_they_are_handed_out(cache: Path) -> None:
    async def scene() -> None:
        async with AnswerWriter(cache) as writer:

            async def keep(reply: Reply) -> None:
                assert await writer.keep(reply) == reply
                with sqlite3.connect(f"file:{cache / FILE}?mode=ro", uri=True) as other:
                    found = other.execute(
                        "SELECT count(*) FROM answers WHERE digest = ?", (reply.digest,)
                    )
                    assert found.fetchone() == (1,)
                other.close()

            await asyncio.gather(*map(keep, some(300)))

    asyncio.run(scene())
    with Cache.open(cache) as opened:
        assert len(opened.answers(reply.digest for reply in some(300))) == 300


def test_the_loop_goes_on_while_another_process_holds_the_cache(cache: Path) -> None:
    async def scene() -> tuple[bool, Reply]:
        async with AnswerWriter(cache) as writer:
            await writer.keep(ONE)
            other = sqlite3.connect(cache / FILE, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(writer.keep(replace(ONE, digest="d1")))
            await asyncio.sleep(0.05)
            waited = not waiting.done()
            other.execute("ROLLBACK")
            other.close()
            return waited, await waiting

    waited, reply = asyncio.run(scene())
    assert waited
    assert reply.digest == "d1"


def test_a_change_that_fails_takes_no_other_with_it(cache: Path) -> None:
    async def scene() -> list[object]:
        with Cache.open(cache) as opened:
            opened.keep(ONE)
            opened._connection.execute("UPDATE answers SET reply = '{'")
        async with AnswerWriter(cache) as writer:
            return await asyncio.gather(
                writer.keep(ONE), *map(writer.keep, some(5)[1:]), return_exceptions=True
            )

    first, *others = asyncio.run(scene())
    assert isinstance(first, ServiceError)
    assert "answers cannot be kept in" in str(first)
    assert others == some(5)[1:]


def test_a_cache_that_cannot_be_opened_is_told_to_whoever_waits(cache: Path) -> None:
    cache.write_text("no directory")

    async def scene() -> None:
        async with AnswerWriter(cache) as writer:
            await writer.broke("d", Usage(1, 2), None, "why")

    with pytest.raises(ServiceError, match="answers cannot be kept"):
        asyncio.run(scene())


def test_an_answer_that_cannot_be_stored_is_an_error_of_who_waits_and_of_nobody_else(
    cache: Path,
) -> None:
    async def scene() -> list[object]:
        async with AnswerWriter(cache) as writer:
            unstorable = replace(ONE, digest="d1", parsed={"a": {1}})
            kept = [
                writer.keep(ONE),
                writer.keep(unstorable),
                writer.keep(replace(ONE, digest="d2")),
            ]
            async with asyncio.timeout(20):
                return await asyncio.gather(*kept, return_exceptions=True)

    first, second, third = asyncio.run(scene())
    assert isinstance(second, TypeError)
    assert [first, third] == [ONE, replace(ONE, digest="d2")]
