"""The bytes: content-addressed files, written once and never changed.

An object is `objects/ab/cdef…`, named by its SHA-256, mode 0444. It is written to a temporary file,
flushed to disk, and renamed; then the directory is flushed. Whoever sees the name sees all bytes,
after a crash too. The md5 that the API calls checksum is computed in the same pass.
"""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lake.errors import ForbiddenError, InvalidError
from lake.home import LakeHome
from lake.server import failpoints
from lake.server.failpoints import Failpoint
from lake.server.storage import writers
from lake.server.storage.disk import (
    disk_errors_translated,
    flush_directory,
    flush_file,
    write_all,
)
from lake.server.storage.hashing import (
    CHUNK,
    Digests,
    HashingWriter,
    StoredObject,
    digest,
    of_bytes,
    read_chunks,
)
from lake.server.storage.pins import Pins
from lake.server.storage.reading import SCHEME, ObjectReader

KEEP_STAGED: Final = 86_400
"""Seconds after which a file that a client staged and never linked is removed at a start."""
_DRAFT: Final = "upload-"
_PART: Final = "part-"
_FLUSH_THREADS: Final = 8
"""How many files of a batch are flushed at once."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class ObjectStore(ObjectReader):
    """The files of one lake."""

    def __init__(
        self, home: LakeHome, purged_by: Callable[[str], str | None] = lambda _: None
    ) -> None:
        """Make the directories.

        Args:
            home: the lake's directory.
            purged_by: names the take-down that purged an object of this SHA-256; None: none did.
        """
        self.pins = Pins()
        self._purged_by = purged_by
        super().__init__(home.objects)
        self._staging = home.staging
        with disk_errors_translated():
            self.objects.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(parents=True, exist_ok=True)
            flush_directory(home.path)
            self.sweep(drafts=True)

    async def receive(self, chunks: AsyncIterator[bytes]) -> StoredObject:
        """Store what a client sends, and pin it; the caller unpins it.

        Raises:
            FullError: there is no room.
        """
        draft = self._draft()
        try:
            stored = await _received(chunks, draft)
            return await asyncio.to_thread(self._adopt, draft, stored)
        finally:
            draft.unlink(missing_ok=True)

    async def receive_part(self, chunks: AsyncIterator[bytes]) -> tuple[str, StoredObject]:
        """Store what will be part of an object; return the name of its file, which is on disk.

        Raises:
            FullError: there is no room.
        """
        draft = self._draft()
        try:
            stored = await _received(chunks, draft)
            name = f"{_PART}{secrets.token_hex(16)}"
            with disk_errors_translated():
                draft.replace(self._staging / name)
                await asyncio.to_thread(flush_directory, self._staging)
        finally:
            draft.unlink(missing_ok=True)
        return name, stored

    def join(
        self, parts: Sequence[str], readers: Sequence[Callable[[bytes], None]] = ()
    ) -> StoredObject:
        """Store the parts as one object, and pin it; the caller unpins it. The parts stay.

        Args:
            parts: names of their files.
            readers: see all bytes as they are written.

        Raises:
            FullError: there is no room.
        """
        draft, digests = self._draft(), Digests()
        try:
            with disk_errors_translated(), draft.open("xb") as file:
                for name in parts:
                    with (self._staging / name).open("rb") as part:
                        for chunk in read_chunks(part):
                            digests.update(chunk)
                            file.write(chunk)
                            for read in readers:
                                read(chunk)
                flush_file(file)
            return self._adopt(draft, digests.result())
        finally:
            draft.unlink(missing_ok=True)

    def drop_parts(self, parts: Iterable[str]) -> None:
        """Remove the files of parts."""
        for name in parts:
            (self._staging / name).unlink(missing_ok=True)

    def put(self, data: bytes) -> StoredObject:
        """Store bytes in memory, and pin them; the caller unpins them."""
        draft = self._draft()
        try:
            with disk_errors_translated(), draft.open("xb", buffering=0) as file:
                failpoints.hit(Failpoint.UPLOAD_OPENED)
                write_all(file, data)
                failpoints.hit(Failpoint.UPLOAD_WRITTEN)
                flush_file(file)
            return self._adopt(draft, of_bytes(data))
        finally:
            draft.unlink(missing_ok=True)

    def slot(self) -> str:
        """Hand out an address in staging that a local client may write to."""
        return self.staging_address(secrets.token_hex(16))

    def staging_address(self, name: str) -> str:
        """The address of a name in staging."""
        return f"{SCHEME}{self._staging / name}"

    def link_many(self, addresses: Sequence[str]) -> list[StoredObject]:
        """Take over files that a client wrote to slots, side by side, so that the disk groups them.

        Every name is on disk and every object pinned when this returns, as after `link`; none is
        pinned when it fails.
        """
        with ThreadPoolExecutor(_FLUSH_THREADS) as pool:
            linking = [pool.submit(self.link, address, flush=False) for address in addresses]
            try:
                stored = [future.result() for future in linking]
                with disk_errors_translated():
                    parents = {self.path(item.sha256).parent for item in stored}
                    for flushing in [pool.submit(flush_directory, path) for path in parents]:
                        flushing.result()
            except BaseException:
                self._unpin_linked(linking)
                raise
        return stored

    def _unpin_linked(self, linking: Sequence[Future[StoredObject]]) -> None:
        for future in linking:
            if future.exception() is None:
                self.pins.unpin(future.result().sha256)

    def link(
        self,
        address: str,
        *,
        check: Callable[[StoredObject], None] = lambda _: None,
        flush: bool = True,
    ) -> StoredObject:
        """Take over a file that a client wrote to a slot, and pin it; the caller unpins it.

        Its bytes are hashed here; where they are refused they stay in the slot. Without `flush` the
        caller flushes the object's directory before anything refers to the object.

        Args:
            address: the slot's.
            check: raises an error where the bytes are not those that are meant.
            flush: whether the object's name is on disk when this returns.

        Raises:
            InvalidError: the address is not a plain file in staging, or is still written to.
            FullError: the file cannot be flushed.
        """
        path = Path(address.removeprefix(SCHEME))
        inside = path.parent == self._staging and path.name == Path(path.name).name
        if not address.startswith(SCHEME) or not inside or path.is_symlink() or not path.is_file():
            raise InvalidError(f"{address} is not a file in this lake's staging area")
        draft = self._draft()
        try:
            with disk_errors_translated():
                draft.hardlink_to(path)  # what comes under the slot's name from now on is not meant
                with writers.none_expected(draft, address):
                    stored = digest(draft, flush=True)
                    check(stored)
            failpoints.hit(Failpoint.LINK_HASHED)
            self._adopt(draft, stored, flush=flush)
        finally:
            draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return stored

    def sweep(self, *, drafts: bool, wanted: Collection[str] = ()) -> int:
        """Remove what clients left in staging long ago; return how many files.

        Args:
            drafts: also what a killed server received in part; only where no upload is under way.
            wanted: addresses whose files stay.
        """
        oldest = time.time() - KEEP_STAGED
        abandoned = [
            path
            for path in self._staging.iterdir()
            if not path.is_dir()
            and (drafts if path.name.startswith(_DRAFT) else path.lstat().st_mtime < oldest)
            and f"{SCHEME}{path}" not in wanted
        ]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)

    def sweep_before(self, seconds: int, wanted: Collection[str]) -> None:
        """Remove what clients left in staging up to a time (unix seconds), but for some addresses.

        What is being received stays.
        """
        for path in self._staging.iterdir():
            if path.is_dir() or path.name.startswith(_DRAFT) or f"{SCHEME}{path}" in wanted:
                continue
            if path.lstat().st_mtime < seconds + 1:
                path.unlink(missing_ok=True)

    def _draft(self) -> Path:
        return self._staging / f"{_DRAFT}{secrets.token_hex(16)}"

    def _adopt(self, path: Path, stored: StoredObject, *, flush: bool = True) -> StoredObject:
        """Pin an object and give its flushed file the final name; a sound copy already stays.

        Raises:
            ForbiddenError: the bytes were purged.
        """
        self.pins.pin(stored.sha256)
        try:
            self._refuse_purged(stored.sha256)
            with disk_errors_translated():
                self._rename(path, stored, flush=flush)
            self._refuse_purged(stored.sha256)  # a purge may have removed the file before
        except BaseException:
            self.pins.unpin(stored.sha256)
            raise
        failpoints.hit(Failpoint.OBJECT_KEPT)
        return stored

    def _refuse_purged(self, sha256: str) -> None:
        name = self._purged_by(sha256)
        if name is not None:
            self.path(sha256).unlink(missing_ok=True)
            raise ForbiddenError(
                f"these bytes were purged by the take-down {name}, and are not taken again: leave "
                "out what it names"
            )

    def _rename(self, path: Path, stored: StoredObject, *, flush: bool) -> None:
        final = self.path(stored.sha256)
        if final.exists() and digest(final) == stored:
            failpoints.hit(Failpoint.OBJECT_TWIN)
            path.unlink()
        else:
            if not final.parent.exists():
                final.parent.mkdir(exist_ok=True)
                flush_directory(self.objects)
            path.chmod(0o444)
            _move(path, final)
            failpoints.hit(Failpoint.OBJECT_RENAMED)
        if flush:
            flush_directory(final.parent)


async def _received(chunks: AsyncIterator[bytes], draft: Path) -> StoredObject:
    """Write what comes in to a new file, and force it to disk."""
    with disk_errors_translated(), draft.open("xb") as file:
        failpoints.hit(Failpoint.UPLOAD_OPENED)
        async with HashingWriter(file) as writer:
            async for chunk in chunks:
                await writer.write(chunk)
                failpoints.hit(Failpoint.UPLOAD_HALF)
            stored = await writer.finish()
        failpoints.hit(Failpoint.UPLOAD_WRITTEN)
        await asyncio.to_thread(flush_file, file)
    return stored


def _move(path: Path, final: Path) -> None:
    """Give a flushed file its final name, which may lie on another file system."""
    try:
        path.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = final.with_name(f"{_DRAFT}{secrets.token_hex(16)}")
        try:
            with path.open("rb") as source, beside.open("xb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)
                flush_file(copy)
            beside.chmod(0o444)
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)
        path.unlink()


def object_files(objects: Path) -> Iterator[tuple[str, Path]]:
    """The SHA-256 of every object, as its file is named, and that file; others are passed over."""
    for directory in sorted(objects.glob("[0-9a-f][0-9a-f]")):
        for path in sorted(directory.iterdir()):
            name = directory.name + path.name
            if _SHA256.fullmatch(name):
                yield name, path
