"""Reading objects: bytes are hashed before anybody gets them.

They are hashed each time when an object is read whole, and for a range once for every state of its
file that this process comes across.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Final

from lake.errors import CorruptError
from lake.server.storage.hashing import sha256_of

SCHEME: Final = "local://"
_MAX_VERIFIED: Final = 65_536
"""How many objects are remembered as verified; beyond that the memory starts afresh."""


class ObjectReader:
    """The objects in a directory."""

    def __init__(self, objects: Path) -> None:
        """Read from a directory."""
        self.objects = objects
        self._address = f"{SCHEME}{objects}/"
        self._verified: dict[str, tuple[int, ...]] = {}

    def path(self, sha256: str) -> Path:
        """Path of an object's file."""
        return self.objects / sha256[:2] / sha256[2:]

    def address(self, sha256: str) -> str:
        """The physical address that the API hands out."""
        return f"{self._address}{sha256[:2]}/{sha256[2:]}"

    def open(self, sha256: str, size: int, *, whole: bool) -> BinaryIO:
        """Open an object for reading; its bytes are hashed first.

        To read a part, they are hashed only when this process has not seen this file as it is.

        Raises:
            CorruptError: its file is gone, or is not what was written.
        """
        path = self.path(sha256)
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise _missing(path) from error
        stat = os.fstat(file.fileno())
        state = (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
        trusted = not whole and self._verified.get(sha256) == state
        if stat.st_size != size or not (trusted or sha256_of(file) == sha256):
            file.close()
            raise _damaged(path)
        if len(self._verified) >= _MAX_VERIFIED:
            self._verified.clear()
        self._verified[sha256] = state
        file.seek(0)
        return file

    def read_small(self, sha256: str, size: int) -> bytes:
        """All bytes of an object that fits into memory, once they have been hashed.

        Raises:
            CorruptError: its file is gone, or is not what was written.
        """
        path = self.path(sha256)
        try:
            with path.open("rb", buffering=0) as file:
                data = file.read(size + 1)
        except FileNotFoundError as error:
            raise _missing(path) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged(path)
        return data


def _missing(path: Path) -> CorruptError:
    return CorruptError(f"{path} is missing: restore a copy of this file")


def _damaged(path: Path) -> CorruptError:
    return CorruptError(f"{path} is damaged: restore a copy of this file")
