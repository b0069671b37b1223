"""A thread that writes answers to the cache, many with one flush to disk.

A flush for each answer held the event loop up, and with it every other request. Who has an answer
waits until it is on disk, and the others go on meanwhile: so a killed run loses no answer that was
handed out, and asks again only for what was in flight.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar

from pipelines.llm.cache import Cache, unusable
from pipelines.llm.stored_values import BrokenAnswer
from pipelines.llm.values import NOTHING, Reply, Usage

Value = TypeVar("Value")
MOST: Final = 256
"""Changes that are written with one flush, at most."""


class _Change(NamedTuple):
    """A change of the cache, and who waits for it."""

    apply: Callable[[Cache], Any]
    done: asyncio.Future[Any]


class AnswerWriter:
    """Writes into the cache of a directory while it is entered; used by one event loop."""

    def __init__(self, folder: Path) -> None:
        """Keep the directory; nothing is opened yet."""
        self._folder = folder
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="answers", daemon=True)

    async def __aenter__(self) -> Self:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left, and end the thread."""
        self._changes.put(None)
        await asyncio.to_thread(self._thread.join)

    async def keep(self, reply: Reply) -> Reply:
        """Store an answer as `Cache.keep` does, and return the stored one once it is on disk.

        Raises:
            ServiceError: It cannot be written.
        """
        return await self._write(partial(Cache.insert, reply=reply))

    async def broke(
        self, digest: str, usage: Usage, dollars: float | None, reason: str, text: str = ""
    ) -> None:
        """Record an attempt that gave no answer, as `Cache.broke` does, and what it gave instead.

        Raises:
            ServiceError: It cannot be written.
        """

        def apply(cache: Cache) -> None:
            if usage != NOTHING:
                tokens = usage.tokens_in, usage.tokens_out
                cache.insert_broken(digest, *tokens, dollars, reason)
            if text:
                cache.insert_broken_text(digest, BrokenAnswer(reason, text))

        await self._write(apply)

    async def _write(self, apply: Callable[[Cache], Value]) -> Value:
        done: asyncio.Future[Value] = self._loop.create_future()
        self._changes.put(_Change(apply, done))
        return await done

    def _work(self) -> None:
        """Write one group of changes after another until there are no more."""
        going = True
        try:
            with Cache.open(self._folder) as cache:
                while going:
                    changes, going = self._next()
                    self._settle(changes, _written(cache, changes, self._folder))
        except Exception as error:  # noqa: BLE001  whoever waits is told
            while going:
                changes, going = self._next()
                self._settle(changes, [error] * len(changes))

    def _next(self) -> tuple[list[_Change], bool]:
        """Wait for changes; return all there are, and whether more may follow."""
        change = self._changes.get()
        changes: list[_Change] = []
        while change is not None:
            changes.append(change)
            if len(changes) >= MOST or self._changes.empty():
                return changes, True
            change = self._changes.get()
        return changes, False

    def _settle(self, changes: Sequence[_Change], results: Sequence[Any]) -> None:
        """Hand results to the event loop, all at once."""
        if changes:
            self._loop.call_soon_threadsafe(_hand_over, changes, results)


def _written(cache: Cache, changes: Sequence[_Change], folder: Path) -> Sequence[Any]:
    """Make changes with one flush; where one of them fails, each with its own."""
    try:
        with cache.change():
            return [change.apply(cache) for change in changes]
    except sqlite3.Error as error:
        if len(changes) == 1:
            return [unusable(folder, error)]
    except Exception as error:  # noqa: BLE001  whoever waits is told
        if len(changes) == 1:
            return [error]
    return [result for change in changes for result in _written(cache, [change], folder)]


def _hand_over(changes: Sequence[_Change], results: Sequence[Any]) -> None:
    for change, result in zip(changes, results, strict=True):
        if change.done.done():  # whoever waited was cancelled
            continue
        if isinstance(result, Exception):
            change.done.set_exception(result)
        else:
            change.done.set_result(result)
