"""SHA-256 and MD5 of the same bytes in one pass, on two cores where there is enough to hash.

MD5 takes more than twice as long as SHA-256 where the processor has instructions for the latter.
Both let other threads run meanwhile, so bytes come in at the speed of MD5 alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

CHUNK: Final = 1 << 20
"""Bytes that are read, hashed and written at once."""
_HASHED_INLINE: Final = 1 << 17
"""Bytes below which hashing takes less time than handing them to another thread."""
_POOL: Final = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="md5")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the store: sha256 (hex), md5 (hex), size in bytes."""

    sha256: str
    md5: str
    size: int


class Digests:
    """SHA-256, MD5 and size of the bytes so far."""

    def __init__(self) -> None:
        """Begin without bytes."""
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._pending: Future[None] | None = None
        self._size = 0

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._wait()
        self._size += len(data)
        if len(data) < _HASHED_INLINE:
            self._md5.update(data)
        else:
            self._pending = _POOL.submit(self._md5.update, data)
        self._sha256.update(data)

    def result(self) -> StoredObject:
        """Digests and size of all bytes."""
        self._wait()
        return StoredObject(self._sha256.hexdigest(), self._md5.hexdigest(), self._size)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


class HashingWriter:
    """Writes bytes into a file and hashes them, beside the event loop and chunk by chunk.

    The next chunk comes in while the one before it is hashed and written.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Fill an empty file."""
        self._file = file
        self._digests = Digests()
        self._buffer: list[bytes] = []
        self._buffered = 0
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
        """Wait until no thread writes to the file, which the caller then closes."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def write(self, data: bytes) -> None:
        """Take bytes that came in."""
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= CHUNK:
            chunk = b"".join(self._buffer)
            self._buffer, self._buffered = [], 0
            await self._wait()
            self._writing = asyncio.create_task(asyncio.to_thread(self._write, chunk))

    async def finish(self) -> StoredObject:
        """Digests and size of all bytes, which then are in the file's buffer."""
        await self._wait()
        self._write(b"".join(self._buffer))
        return self._digests.result()

    async def _wait(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    def _write(self, chunk: bytes) -> None:
        self._digests.update(chunk)
        self._file.write(chunk)


def of_bytes(data: bytes) -> StoredObject:
    """Digests and size of bytes in memory, in this thread."""
    md5 = hashlib.md5(data, usedforsecurity=False)
    return StoredObject(hashlib.sha256(data).hexdigest(), md5.hexdigest(), len(data))


def sha256_of(file: BufferedReader) -> str:
    """Hash an open file from its beginning."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path, *, flush: bool = False) -> StoredObject:
    """Hash a file; with `flush`, also force its bytes to disk."""
    with path.open("rb") as file:
        if not flush or os.fstat(file.fileno()).st_size <= CHUNK:
            stored = _digest(file)
            if flush:
                os.fsync(file.fileno())
            return stored
        with ThreadPoolExecutor(1) as pool:  # the disk writes while the processor hashes
            flushing = pool.submit(os.fsync, file.fileno())
            stored = _digest(file)
            flushing.result()
        os.fsync(file.fileno())
    return stored


def read_chunks(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """Read an open file, or its next `size` bytes, chunk by chunk."""
    left = size
    while left is None or left > 0:
        chunk = file.read(CHUNK if left is None else min(CHUNK, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def _digest(file: BinaryIO) -> StoredObject:
    digests = Digests()
    for chunk in read_chunks(file):
        digests.update(chunk)
    return digests.result()
