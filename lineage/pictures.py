"""The content of an image file: its pixels, mode and shape, whatever the encoding around them.

Two PNG files of the same pixels, compressed differently or with other metadata, are one content. A
palette is a way of storing and is resolved; a palette or grey image with a transparent colour
becomes RGBA. A lossy file is identified by what it decodes to here.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS: Final = 1 << 26
"""Pixels of one image; a file that says it has more is identified by its bytes."""
PROGRAMS: Final = frozenset({"EPS", "WMF"})
"""Formats that are programs, which another program would have to run: no images here."""
PIXELS: Final = b"p"
FILE: Final = b"x"


def canonical(data: bytes) -> tuple[bytes, bytes]:
    """Tag and canonical bytes of an image file.

    Args:
        data: the file.

    Returns:
        Tag "p" with, for each frame of the image, mode, width, height and pixels; or tag "x" with
        the file itself if it cannot be decoded (it still has an identity, a verdict refuses it).
    """
    tag, parts = pieces(data)
    return tag, b"".join(parts)


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """As `canonical`, with the bytes in pieces, so that a large image is in memory once."""
    from PIL import Image, ImageSequence  # noqa: PLC0415  data sets of text need no images

    Image.init()
    formats = [each for each in Image.ID if each not in PROGRAMS]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote hostile bytes
            with Image.open(io.BytesIO(data), formats=formats) as image:
                frames = getattr(image, "n_frames", 1)
                if image.width * image.height * frames > MAX_PIXELS:
                    return FILE, [data]
                each = ImageSequence.Iterator(image)
                return PIXELS, [part for frame in each for part in _frame(frame)]
    except Exception:  # noqa: BLE001  hostile bytes break decoders in any way; each means: no image
        return FILE, [data]


def _frame(image: Image.Image) -> tuple[bytes, bytes]:
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    pixels = image.tobytes()
    head = f"{image.mode} {image.width} {image.height} {len(pixels)}\n"
    return head.encode(), pixels
