"""Bounds of what a service may answer, counted after decompression, for every call of the client.

A kilobyte of gzip becomes a megabyte, and the client's own decoders decompress whatever comes. So
answers are decompressed here, piece by piece, and the connection is closed at the bound. gzip is
the only encoding that is accepted.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx2

ACCEPTED: Final = {"Accept-Encoding": "gzip"}
"""Header of every request."""
MAX_BYTES: Final = 1 << 25
"""Bytes of an answer; the longest ones that models give have a few megabytes."""
MAX_FILE_BYTES: Final = 1 << 29
"""Bytes of a file of the Batch API, which holds up to ten thousand answers."""
FILE: Final = "/content"
"""How the path of a file's content ends."""
_PIECE: Final = 1 << 16
"""Bytes that are decompressed at once."""
_GZIP: Final = 31
"""The `wbits` by which zlib knows that its input is gzip."""


class OversizedError(Exception):
    """An answer is larger than its bound, or comes in an encoding that was not asked for."""


async def bounded(response: httpx2.Response) -> None:
    """Have the body of a response decompressed and counted while it is read; a hook of the client.

    Raises:
        OversizedError: It comes in an encoding that was not asked for.
    """
    limit = MAX_FILE_BYTES if response.url.path.endswith(FILE) else MAX_BYTES
    decode = _decoder(response.headers.get("content-encoding", ""))
    response.stream = _counted(response.stream, decode, limit)
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)


def _counted(
    stream: Any,  # noqa: ANN401  of either kind, by the client's types; this one is asynchronous
    decode: Callable[[bytes], Iterable[bytes]],
    limit: int,
) -> httpx2.AsyncByteStream:
    import httpx2  # noqa: PLC0415  slow to import

    class Counted(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = limit
            async for data in stream:
                for piece in decode(data):
                    left -= len(piece)
                    if left < 0:
                        raise OversizedError(f"answered with more than {limit:,} bytes")
                    yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()


class Reader:
    """Puts the pieces of a body together, decompressed, within a bound."""

    def __init__(self, encoding: str, limit: int) -> None:
        """Begin with nothing.

        Raises:
            OversizedError: The encoding was not asked for.
        """
        self._decode = _decoder(encoding)
        self._limit = self._left = limit
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Add what was received.

        Raises:
            OversizedError: It is too much, or no gzip.
        """
        for piece in self._decode(data):
            self._left -= len(piece)
            if self._left < 0:
                raise OversizedError(f"answered with more than {self._limit:,} bytes")
            self._pieces.append(piece)

    @property
    def content(self) -> bytes:
        """All that was received."""
        return b"".join(self._pieces)


def _decoder(encoding: str) -> Callable[[bytes], Iterable[bytes]]:
    """Return what decompresses an encoding.

    Raises:
        OversizedError: It was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise OversizedError(f"answered in the encoding {encoding[:40]!a}, which was not asked for")
    return Gunzip().pieces if encoding.endswith("gzip") else _unchanged


def _unchanged(data: bytes) -> Iterable[bytes]:
    return (data,)


class Gunzip:
    """Decompresses gzip in pieces of bounded size, one member after another."""

    def __init__(self) -> None:
        """Begin with the first member."""
        self._member = zlib.decompressobj(_GZIP)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what further bytes decompress to.

        Raises:
            OversizedError: They are no gzip.
        """
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                piece = self._member.decompress(data, _PIECE)
            except zlib.error as error:
                raise OversizedError("answered with gzip that cannot be unpacked") from error
            data = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece
