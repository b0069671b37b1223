"""Messages over two pipes: four bytes with the length, then JSON in ASCII."""

from __future__ import annotations

import struct
from json import dumps, loads
from os import read, write
from typing import Any, Final

from pipelines.sandbox.inside.errors import CrossingError, MalformedError

HEAD: Final = struct.Struct(">I")
MOST: Final = 8 << 20
"""Bytes of a message."""


class ClosedError(Exception):
    """The other process has closed its end."""


class Channel:
    """One end of a connection."""

    def __init__(self, reading: int, writing: int) -> None:
        """Take the numbers of two file descriptors."""
        self._reading, self._writing = reading, writing

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            CrossingError: it is too large.
            ClosedError: nobody reads it.
        """
        data = dumps(message, separators=(",", ":")).encode("ascii")
        if len(data) > MOST:
            raise CrossingError(f"{len(data):,} bytes; at most {MOST:,} are sent")
        left = memoryview(HEAD.pack(len(data)) + data)
        try:
            while left:
                left = left[write(self._writing, left) :]
        except OSError as error:
            raise ClosedError from error

    def receive(self) -> dict[str, Any]:
        """Wait for a message.

        Raises:
            MalformedError: it is too large, or not an object of JSON.
            ClosedError: there is none.
        """
        (size,) = HEAD.unpack(self._exactly(HEAD.size))
        if size > MOST:
            raise MalformedError(f"a message of {size:,} bytes; at most {MOST:,} are read")
        try:
            message = loads(self._exactly(size))
        except (ValueError, RecursionError) as error:
            raise MalformedError("a message that is not JSON") from error
        if not isinstance(message, dict):
            raise MalformedError("a message that is no object")
        return message

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                part = read(self._reading, min(size - len(data), 1 << 20))
            except OSError as error:
                raise ClosedError from error
            if not part:
                raise ClosedError
            data += part
        return bytes(data)
