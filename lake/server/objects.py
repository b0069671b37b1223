"""The bytes: content-addressed files, written once and never changed.

An object is `objects/ab/cdef…`, named by its SHA-256, mode 0444. It is written to a temporary file,
flushed to disk, and renamed; then the directory is flushed. Whoever sees the name sees all bytes,
after a crash too. The md5 that the API calls checksum is computed in the same pass.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from lake.errors import Corrupt, Full, Invalid
from lake.home import LakeHome
from lake.server.hashing import CHUNK, Digests, Intake

SCHEME: Final = "local://"
KEEP_STAGED: Final = 86_400
"""Seconds after which a file that a client staged and never linked is removed at a start."""
_DRAFT: Final = "upload-"
_AT_ONCE: Final = 8
"""How many files of a batch are flushed at once."""
_NO_ROOM: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in the store: sha256 (hex), md5 (hex), size in bytes."""

    sha256: str
    md5: str
    size: int


class ObjectStore:
    """The files of one lake."""

    def __init__(self, home: LakeHome) -> None:
        """Make the directories."""
        self._objects = home.objects
        self._staging = home.staging
        with room():
            self._objects.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def path(self, sha256: str) -> Path:
        """Where an object's file is."""
        return self._objects / sha256[:2] / sha256[2:]

    def address(self, sha256: str) -> str:
        """The physical address that the API hands out."""
        return f"{SCHEME}{self.path(sha256)}"

    def open(self, sha256: str, size: int, *, whole: bool) -> BinaryIO:
        """Open an object for reading; to be sent whole, its bytes are hashed first.

        Raises:
            Corrupt: its file is gone, or is not what was written.
        """
        place = self.path(sha256)
        try:
            file = place.open("rb")
        except FileNotFoundError as error:
            raise Corrupt(f"{place} is missing: restore a copy of this file") from error
        sound = os.fstat(file.fileno()).st_size == size
        if not (sound and (not whole or _hashed(file).sha256 == sha256)):
            file.close()
            raise Corrupt(f"{place} is damaged: restore a copy of this file")
        file.seek(0)
        return file

    async def receive(self, chunks: AsyncIterator[bytes]) -> Stored:
        """Store what a client sends.

        Raises:
            Full: there is no room.
        """
        draft = self._draft()
        try:
            with room(), draft.open("xb") as file:
                async with Intake(file) as intake:
                    async for chunk in chunks:
                        await intake.take(chunk)
                    stored = Stored(*await intake.end())
                await asyncio.to_thread(_flush, file)
            return await asyncio.to_thread(self._adopt, draft, stored)
        finally:
            draft.unlink(missing_ok=True)

    def put(self, data: bytes) -> Stored:
        """Store bytes at hand."""
        draft = self._draft()
        try:
            with room(), draft.open("xb") as file:
                file.write(data)
                _flush(file)
            return self._adopt(draft, digest(draft))
        finally:
            draft.unlink(missing_ok=True)

    def slot(self) -> str:
        """Hand out an address in staging that a local client may write to."""
        return f"{SCHEME}{self._staging / secrets.token_hex(16)}"

    def link_many(self, addresses: Sequence[str]) -> list[Stored]:
        """Take over files that a client wrote to slots, side by side, so that the disk groups them.

        Every name is on disk when this returns, as after `link`.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(partial(self.link, flush=False), addresses))
            with room():
                directories = {self.path(stored.sha256).parent for stored in found}
                deque(pool.map(flush_directory, directories), maxlen=0)
        return found

    def link(self, address: str, *, flush: bool = True) -> Stored:
        """Take over a file that a client wrote to a slot; its bytes are hashed here.

        Raises:
            Invalid: the address is not a plain file in staging.
            Full: the file cannot be flushed.
        """
        file = Path(address.removeprefix(SCHEME))
        inside = file.parent == self._staging and file.name == Path(file.name).name
        if not address.startswith(SCHEME) or not inside or file.is_symlink() or not file.is_file():
            raise Invalid(f"{address} is not a file in this lake's staging area")
        with room():
            stored = digest(file, flush=True)
        return self._adopt(file, stored, flush=flush)

    def _draft(self) -> Path:
        return self._staging / f"{_DRAFT}{secrets.token_hex(16)}"

    def _sweep(self) -> None:
        """Remove what a killed server received in part, and what clients left behind."""
        oldest = time.time() - KEEP_STAGED
        for file in self._staging.iterdir():
            if file.name.startswith(_DRAFT) or file.lstat().st_mtime < oldest:
                file.unlink()

    def _adopt(self, file: Path, stored: Stored, *, flush: bool = True) -> Stored:
        """Give a flushed file its final name; a twin that is there and sound already stays.

        Without `flush` the caller flushes the directory before anything refers to the object.
        """
        final = self.path(stored.sha256)
        with room():
            if final.exists() and digest(final) == stored:
                file.unlink()
                if flush:
                    flush_directory(final.parent)
                return stored
            if not final.parent.exists():
                final.parent.mkdir(exist_ok=True)
                flush_directory(self._objects)
            file.chmod(0o444)
            file.replace(final)
            if flush:
                flush_directory(final.parent)
        return stored


def digest(file: Path, *, flush: bool = False) -> Stored:
    """Hash a file; with `flush`, also force its bytes to disk."""
    with file.open("rb") as source:
        if not flush or os.fstat(source.fileno()).st_size <= CHUNK:
            found = _hashed(source)
            if flush:
                os.fsync(source.fileno())
            return found
        with ThreadPoolExecutor(1) as pool:  # the disk writes while the processor hashes
            begun = pool.submit(os.fsync, source.fileno())
            found = _hashed(source)
            begun.result()
        os.fsync(source.fileno())
    return found


def _hashed(source: BinaryIO) -> Stored:
    digests = Digests()
    for chunk in chunks(source):
        digests.update(chunk)
    return Stored(*digests.hex(), digests.size)


def chunks(source: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """Read a file, or its next `size` bytes, in pieces."""
    left = size
    while left is None or left > 0:
        chunk = source.read(CHUNK if left is None else min(CHUNK, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def flush_directory(directory: Path) -> None:
    """Force a directory's entries to disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def room() -> Iterator[None]:
    """Turn a full or read-only disk into an error of this package."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Full(f"the lake cannot be written: {error.strerror}") from error
        raise


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
