"""The bytes: content-addressed files, written once and never changed.

An object is `objects/ab/cdef…`, named by its SHA-256, mode 0444. It is written to a temporary file,
flushed to disk, and renamed; then the directory is flushed. Whoever sees the name sees all bytes,
after a crash too. The md5 that the API calls checksum is computed in the same pass.

Bytes are hashed before they are sent: each time when an object is read whole, and for a range once
for every state of its file that this process comes across.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from lake.errors import CorruptError, FullError, InvalidError
from lake.home import LakeHome
from lake.server import failpoints
from lake.server.failpoints import Point
from lake.server.storage.hashing import CHUNK, Digests, Intake
from lake.server.storage.pins import Holds

SCHEME: Final = "local://"
KEEP_STAGED: Final = 86_400
"""Seconds after which a file that a client staged and never linked is removed at a start."""
_DRAFT: Final = "upload-"
_AT_ONCE: Final = 8
"""How many files of a batch are flushed at once."""
_REMEMBERED: Final = 65_536
"""How many objects are remembered as sound; beyond that the memory starts afresh."""
_NAME: Final = re.compile(r"[0-9a-f]{64}")
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
        self.holds = Holds()
        self.objects = home.objects
        self._staging = home.staging
        self._sound: dict[str, tuple[int, ...]] = {}
        with room():
            self.objects.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(parents=True, exist_ok=True)
            flush_directory(home.path)
            self.sweep(drafts=True)

    def path(self, sha256: str) -> Path:
        """Where an object's file is."""
        return self.objects / sha256[:2] / sha256[2:]

    def address(self, sha256: str) -> str:
        """The physical address that the API hands out."""
        return f"{SCHEME}{self.path(sha256)}"

    def open(self, sha256: str, size: int, *, whole: bool) -> BinaryIO:
        """Open an object for reading; its bytes are hashed first.

        To read a part, they are hashed only when this process has not seen this file as it is.

        Raises:
            CorruptError: its file is gone, or is not what was written.
        """
        place = self.path(sha256)
        try:
            file = place.open("rb")
        except FileNotFoundError as error:
            raise CorruptError(f"{place} is missing: restore a copy of this file") from error
        state = os.fstat(file.fileno())
        seen = (state.st_ino, state.st_mtime_ns, state.st_ctime_ns)
        trusted = not whole and self._sound.get(sha256) == seen
        if state.st_size != size or not (trusted or sha256_of(file) == sha256):
            file.close()
            raise CorruptError(f"{place} is damaged: restore a copy of this file")
        if len(self._sound) >= _REMEMBERED:
            self._sound.clear()
        self._sound[sha256] = seen
        file.seek(0)
        return file

    async def receive(self, chunks: AsyncIterator[bytes]) -> Stored:
        """Store what a client sends, and hold it until `holds.free`.

        Raises:
            FullError: there is no room.
        """
        draft = self._draft()
        try:
            with room(), draft.open("xb") as file:
                failpoints.reach(Point.UPLOAD_OPENED)
                async with Intake(file) as intake:
                    async for chunk in chunks:
                        await intake.take(chunk)
                        failpoints.reach(Point.UPLOAD_HALF)
                    stored = Stored(*await intake.end())
                failpoints.reach(Point.UPLOAD_WRITTEN)
                await asyncio.to_thread(_flush, file)
            return await asyncio.to_thread(self._adopt, draft, stored)
        finally:
            draft.unlink(missing_ok=True)

    def put(self, data: bytes) -> Stored:
        """Store bytes at hand, and hold them until `holds.free`."""
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

        Every name is on disk and every object held when this returns, as after `link`; none is held
        when it fails.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            linking = [pool.submit(self.link, address, flush=False) for address in addresses]
            try:
                found = [each.result() for each in linking]
                with room():
                    directories = {self.path(stored.sha256).parent for stored in found}
                    for flushed in [pool.submit(flush_directory, each) for each in directories]:
                        flushed.result()
            except BaseException:
                self._let_go(linking)
                raise
        return found

    def _let_go(self, linking: Sequence[Future[Stored]]) -> None:
        for each in linking:
            if each.exception() is None:
                self.holds.free(each.result().sha256)

    def link(self, address: str, *, flush: bool = True) -> Stored:
        """Take over a file that a client wrote to a slot, and hold it until `holds.free`.

        Its bytes are hashed here. Without `flush` the caller flushes the object's directory before
        anything refers to the object.

        Raises:
            InvalidError: the address is not a plain file in staging.
            FullError: the file cannot be flushed.
        """
        file = Path(address.removeprefix(SCHEME))
        inside = file.parent == self._staging and file.name == Path(file.name).name
        if not address.startswith(SCHEME) or not inside or file.is_symlink() or not file.is_file():
            raise InvalidError(f"{address} is not a file in this lake's staging area")
        with room():
            stored = digest(file, flush=True)
        failpoints.reach(Point.LINK_HASHED)
        return self._adopt(file, stored, flush=flush)

    def sweep(self, *, drafts: bool, wanted: Collection[str] = ()) -> int:
        """Remove what clients left in staging long ago; return how many files.

        Args:
            drafts: also what a killed server received in part; only where no upload is under way.
            wanted: addresses whose files stay.
        """
        oldest = time.time() - KEEP_STAGED
        left = [
            file
            for file in self._staging.iterdir()
            if not file.is_dir()
            and (drafts if file.name.startswith(_DRAFT) else file.lstat().st_mtime < oldest)
            and f"{SCHEME}{file}" not in wanted
        ]
        for file in left:
            file.unlink(missing_ok=True)
        return len(left)

    def _draft(self) -> Path:
        return self._staging / f"{_DRAFT}{secrets.token_hex(16)}"

    def _adopt(self, file: Path, stored: Stored, *, flush: bool = True) -> Stored:
        """Hold an object and give its flushed file the final name; a sound twin already stays."""
        self.holds.hold(stored.sha256)
        try:
            with room():
                self._place(file, stored, flush=flush)
        except BaseException:
            self.holds.free(stored.sha256)
            raise
        failpoints.reach(Point.OBJECT_KEPT)
        return stored

    def _place(self, file: Path, stored: Stored, *, flush: bool) -> None:
        final = self.path(stored.sha256)
        if final.exists() and digest(final) == stored:
            failpoints.reach(Point.OBJECT_TWIN)
            file.unlink()
        else:
            if not final.parent.exists():
                final.parent.mkdir(exist_ok=True)
                flush_directory(self.objects)
            file.chmod(0o444)
            file.replace(final)
            failpoints.reach(Point.OBJECT_RENAMED)
        if flush:
            flush_directory(final.parent)


def files(objects: Path) -> Iterator[tuple[str, Path]]:
    """Every object's SHA-256, as its file is named, and that file; other files are passed over."""
    for directory in sorted(objects.glob("[0-9a-f][0-9a-f]")):
        for file in sorted(directory.iterdir()):
            name = directory.name + file.name
            if _NAME.fullmatch(name):
                yield name, file


def sha256_of(file: BufferedReader) -> str:
    """Hash an open file from its beginning."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


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
            raise FullError(f"the lake cannot be written: {error.strerror}") from error
        raise


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    failpoints.reach(Point.UPLOAD_FLUSHED)
