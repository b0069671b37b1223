"""SHA-256 and MD5 of the same bytes in one pass, on two cores where there is enough to hash.

MD5 takes more than twice as long as SHA-256 where the processor has instructions for the latter.
Both let other threads run meanwhile, so bytes come in at the speed of MD5 alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Final, Self

CHUNK: Final = 1 << 20
_ALONE: Final = 1 << 17
"""Bytes that are hashed sooner than another thread can be told to."""
_POOL: Final = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="md5")


class Digests:
    """SHA-256, MD5 and size of the bytes so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._pending: Future[None] | None = None
        self.size = 0

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._settle()
        self.size += len(data)
        if len(data) < _ALONE:
            self._md5.update(data)
        else:
            self._pending = _POOL.submit(self._md5.update, data)
        self._sha256.update(data)

    def hex(self) -> tuple[str, str]:
        """SHA-256 and MD5."""
        self._settle()
        return self._sha256.hexdigest(), self._md5.hexdigest()

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


class Intake:
    """Bytes on their way into a file: hashed and written beside the event loop, piece by piece.

    The next piece comes in while the one before it is hashed and written.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Fill an empty file."""
        self._file = file
        self._digests = Digests()
        self._held: list[bytes] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the file only when no thread writes to it."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def take(self, chunk: bytes) -> None:
        """Take what came in."""
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size >= CHUNK:
            data = b"".join(self._held)
            self._held, self._size = [], 0
            await self._settle()
            self._writing = asyncio.create_task(asyncio.to_thread(self._write, data))

    async def end(self) -> tuple[str, str, int]:
        """SHA-256, MD5 and size of what came in, all of which is in the file's buffer."""
        await self._settle()
        self._write(b"".join(self._held))
        return *self._digests.hex(), self._digests.size

    async def _settle(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    def _write(self, data: bytes) -> None:
        self._digests.update(data)
        self._file.write(data)
