"""Metadata of image files that nobody trusts: texts, XMP, EXIF and C2PA's manifest store.

Only the frames of the formats are parsed (chunks of PNG and WebP, segments of JPEG), in a bounded
number of steps and into a bounded number of bytes; no pixel is decoded. A file that ends early or
contradicts itself has the metadata that was found until then. A C2PA manifest store is taken out
as it is: its signatures are not verified, for what it is looked through for is a claim that its
maker would rather leave out. In formats that are not parsed, XMP is found by its own brackets, as
its specification wants it to be.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8"
XMP_KEYWORD: Final = "XML:com.adobe.xmp"
"""Keyword of a text chunk of PNG that holds XMP."""
EXIF_HEAD: Final = b"Exif\x00\x00"
XMP_HEAD: Final = b"http://ns.adobe.com/xap/1.0/\x00"
EXTENDED_HEAD: Final = b"http://ns.adobe.com/xmp/extension/\x00"
EXTENDED_AT: Final = len(EXTENDED_HEAD) + 40
"""Where the content of a segment of extended XMP begins: behind a digest, its length and place."""
JUMBF_HEAD: Final = b"JP"
FIRST_SEGMENT: Final = b"\0\0\0\1"
"""Number of the first segment of a box; each further one repeats the head of the box, 8 bytes."""
MAX_PARTS: Final = 4096
"""Chunks or segments of a file that are looked at."""
MAX_TEXT: Final = 1 << 16
"""Bytes of a text that are kept."""
MAX_TEXTS: Final = 64
MAX_BLOCK: Final = 1 << 20
"""Bytes of XMP, of EXIF and of a manifest store that are kept."""
MARKER: Final = 0xFF
"""Byte that every marker of JPEG begins with, and that fills the space between segments."""
COMMENT, APP1, APP11 = 0xFE, 0xE1, 0xEB
"""Markers of JPEG: a comment, EXIF or XMP, boxes of JUMBF."""
LAST: Final = frozenset({0xDA, 0xD9})
"""Markers behind which no metadata is: the pixels begin, or the image ends."""
STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers of JPEG without a length."""


@dataclass(slots=True)
class Metadata:
    """What a file says beside its pixels; each part is cut to its limit."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    """Keyword and text; comments of a JPEG have the keyword `Comment`."""
    xmp: bytes = b""
    exif: bytes = b""
    """From its TIFF header on."""
    extended_xmp: bytes = b""
    """What of XMP does not fit the first segment of a JPEG, as the segments follow each other."""
    manifests: bytes = b""
    """C2PA's manifest store, as JUMBF boxes."""

    def add_xmp(self, packet: bytes) -> None:
        """Keep a packet of XMP; a file can have several, and the last one hides none."""
        self.xmp = (self.xmp + b"\n" * bool(self.xmp) + packet)[:MAX_BLOCK]

    def add_text(self, keyword: bytes, text: bytes, encoding: str) -> None:
        """Keep a text, or XMP that is stored as one."""
        name = keyword[:80].decode("latin-1")
        if name == XMP_KEYWORD:
            self.add_xmp(text)
        elif len(self.texts) < MAX_TEXTS:
            self.texts.append((name, text[:MAX_TEXT].decode(encoding, errors="replace")))


def read(data: bytes) -> Metadata:
    """Read the metadata of an image file; there is none where it is no such file."""
    found = Metadata()
    if data.startswith(PNG):
        for kind, body in _png_chunks(data):
            _add_png(found, kind, body)
    elif data.startswith(JPEG):
        for marker, body in _jpeg_segments(data):
            _add_jpeg(found, marker, body)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        for kind, body in _riff_chunks(data):
            _add_webp(found, kind, body)
    else:
        found.xmp = _bracketed(data)
    return found


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), len(PNG)
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, view[at + 8 : at + 8 + size]
        at += size + 12


def _add_png(found: Metadata, kind: bytes, body: memoryview) -> None:
    if kind in {b"tEXt", b"zTXt", b"iTXt"}:
        keyword, _, rest = bytes(body[:MAX_BLOCK]).partition(b"\0")
        if kind == b"tEXt":
            found.add_text(keyword, rest, "latin-1")
        elif kind == b"zTXt":
            found.add_text(keyword, _inflated(rest[1:]), "latin-1")
        else:
            compressed, text = rest[:1] == b"\x01", rest[2:].split(b"\0", 2)[-1]
            found.add_text(keyword, _inflated(text) if compressed else text, "utf-8")
    elif kind == b"eXIf":
        found.exif = bytes(body[:MAX_BLOCK])
    elif kind == b"caBX":
        found.manifests = (found.manifests + bytes(body[:MAX_BLOCK]))[:MAX_BLOCK]


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield the segments before the pixels: marker and content."""
    view, at = memoryview(data), len(JPEG)
    for _ in range(MAX_PARTS):
        if at + 4 > len(data) or data[at] != MARKER:
            return
        marker = data[at + 1]
        if marker in STANDALONE or marker == MARKER:
            at += 1 if marker == MARKER else 2
            continue
        if marker in LAST:
            return
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, view[at + 4 : at + 2 + size]
        at += 2 + max(size, 2)


def _add_jpeg(found: Metadata, marker: int, body: memoryview) -> None:
    content = bytes(body)
    if marker == COMMENT:
        found.add_text(b"Comment", content, "latin-1")
    elif marker == APP1 and content.startswith(EXIF_HEAD):
        found.exif = content[len(EXIF_HEAD) :]
    elif marker == APP1 and content.startswith(XMP_HEAD):
        found.add_xmp(content[len(XMP_HEAD) :])
    elif marker == APP1 and content.startswith(EXTENDED_HEAD):
        found.extended_xmp = (found.extended_xmp + content[EXTENDED_AT:])[:MAX_BLOCK]
    elif marker == APP11 and content.startswith(JUMBF_HEAD):
        head = 8 if content[4:8] == FIRST_SEGMENT else 16
        found.manifests = (found.manifests + content[head:])[:MAX_BLOCK]


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        kind, size = struct.unpack_from("<4sI", data, at)
        yield kind, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _add_webp(found: Metadata, kind: bytes, body: memoryview) -> None:
    content = bytes(body[:MAX_BLOCK])
    if kind == b"XMP ":
        found.add_xmp(content)
    elif kind == b"EXIF":
        found.exif = content.removeprefix(EXIF_HEAD)
    elif kind == b"C2PA":
        found.manifests = (found.manifests + content)[:MAX_BLOCK]


def _bracketed(data: bytes) -> bytes:
    """XMP in any other file: what stands between the brackets of its packets."""
    found, end = b"", 0
    for _ in range(MAX_TEXTS):
        start = data.find(b"<x:xmpmeta", end)
        end = data.find(b"</x:xmpmeta>", start, start + MAX_BLOCK) if start >= 0 else -1
        if end < 0:
            break
        found += data[start:end] + b"\n"
    return found[:MAX_BLOCK]


def _inflated(data: bytes) -> bytes:
    """Decompress a text, up to the limit; what is damaged gives nothing."""
    try:
        return zlib.decompressobj().decompress(data, MAX_TEXT)
    except zlib.error:
        return b""
