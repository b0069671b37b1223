"""Bounds of what a service may answer, counted after decompression, for every call of the client.

A kilobyte of gzip becomes a megabyte, and the client's own decoders unpack whatever comes. So
answers are unpacked here, piece by piece, and the connection is closed at the bound. Nothing but
gzip is asked for, and nothing else is unpacked.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx2

ACCEPTED: Final = {"Accept-Encoding": "gzip"}
"""Header of every request."""
MOST: Final = 1 << 25
"""Bytes of an answer; those of the longest ones that models give are a few megabytes."""
MOST_FILE: Final = 1 << 29
"""Bytes of a file of the Batch API, which holds up to ten thousand answers."""
FILE: Final = "/content"
"""How the path of a file's content ends."""
_PIECE: Final = 1 << 16
_GZIP: Final = 31
"""What tells zlib that its input is gzip."""


class OversizedError(Exception):
    """An answer is larger than it may be, or comes in an encoding that was not asked for."""


async def bounded(response: httpx2.Response) -> None:
    """Have the body of a response unpacked and counted while it is read; a hook of the client.

    Raises:
        OversizedError: it comes in an encoding that was not asked for.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise OversizedError(f"answered in the encoding {encoding[:40]!a}, which was not asked for")
    most = MOST_FILE if response.url.path.endswith(FILE) else MOST
    unpack = Gunzip().pieces if encoding.endswith("gzip") else _as_it_is
    response.stream = _counted(response.stream, unpack, most)
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)


def _counted(
    stream: Any,  # noqa: ANN401  of either kind, by the client's types; this one is asynchronous
    unpack: Callable[[bytes], Iterable[bytes]],
    most: int,
) -> httpx2.AsyncByteStream:
    import httpx2  # noqa: PLC0415  slow to import

    class Counted(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = most
            async for data in stream:
                for piece in unpack(data):
                    left -= len(piece)
                    if left < 0:
                        raise OversizedError(f"answered with more than {most:,} bytes")
                    yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()


def _as_it_is(data: bytes) -> Iterable[bytes]:
    return (data,)


class Gunzip:
    """Unpacks gzip in pieces of bounded size, one member after another."""

    def __init__(self) -> None:
        """Begin with a member."""
        self._member = zlib.decompressobj(_GZIP)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What some more bytes unpack to.

        Raises:
            OversizedError: they are no gzip.
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
