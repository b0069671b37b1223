"""Write IPTC's digital source type into a copy of an image file, and leave its pixels alone.

The property is `Iptc4xmpExt:DigitalSourceType` in XMP: a text chunk in PNG, a segment in JPEG. The
files of a lake are never changed, for this is done to what is exported; ids of samples depend on
pixels, so an exported file has the id of its sample.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, Literal

from pipelines.features.image_marks.containers import JPEG, PNG, XMP_HEAD, XMP_KEYWORD

SourceType = Literal[
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "algorithmicMedia",
    "algorithmicallyEnhanced",
]
"""Made by a model, by a model of a picture, by an algorithm that learnt of nothing, retouched."""
VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
PACKET: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    "<Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)
HEADER_END: Final = len(PNG) + 25
"""Where the first chunk of a PNG file, its header, ends."""


def mark(data: bytes, source: SourceType) -> bytes | None:
    """Return a copy of an image file that says how the image was made.

    Args:
        data: the file.
        source: a term of IPTC's vocabulary.

    Returns:
        The copy; None where the file is neither PNG nor JPEG, which nothing is written into.
    """
    packet = PACKET.format(uri=VOCABULARY + source).encode()
    if data.startswith(PNG) and data[12:16] == b"IHDR":
        head = XMP_KEYWORD.encode() + b"\0\0\0\0\0"
        return data[:HEADER_END] + _chunk(b"iTXt", head + packet) + data[HEADER_END:]
    if data.startswith(JPEG):
        content = XMP_HEAD + packet
        at = _behind_first_segments(data)
        segment = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
        return data[:at] + segment + data[at:]
    return None


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def _behind_first_segments(data: bytes) -> int:
    """Where a segment may stand: behind JFIF's and EXIF's, which come first."""
    at = len(JPEG)
    while data[at : at + 2] in {b"\xff\xe0", b"\xff\xe1"} and at + 4 <= len(data):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return min(at, len(data))
