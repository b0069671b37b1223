"""The content of an image file: its pixels, mode and shape, whatever the encoding around them.

Two PNG files of the same pixels, compressed differently or with other metadata, are one content. A
palette is a way of storing and is resolved; a palette or grey image with a transparent colour
becomes RGBA. A lossy file is identified by what it decodes to here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from lineage import decoded_images, image_files
from lineage.errors import ImageFileError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS: Final = 1 << 26
"""Pixels of all frames of an image; a file that says it has more is identified by its bytes.

More than `image_files.MAX_PIXELS`, because ids of samples depend on it: what was stored keeps its
id, and an image that is too large to be a sample has an id all the same, so that a verdict can
refuse it.
"""
PROGRAMS: Final = frozenset({"EPS", "WMF"})
"""Formats that are programs for an interpreter; files of these formats count as no image."""
PIXELS: Final = b"p"
FILE: Final = b"x"


def canonical(data: bytes) -> tuple[bytes, bytes]:
    """Return the tag and the canonical bytes of an image file.

    Args:
        data: the file.

    Returns:
        Tag "p" with, for each frame of the image, mode, width, height and pixels; or tag "x" with
        the file itself if it cannot be decoded (it still has an identity, a verdict refuses it).
    """
    tag, parts = pieces(data)
    return tag, b"".join(parts)


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return what `canonical` does, in pieces, so that a large image is in memory only once."""
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    found = decoded_images.find(data)
    if found is not None:
        mode, height, width, pixels = found
        return PIXELS, [_head(mode, width, height, len(pixels)), pixels]
    Image.init()
    formats = [name for name in Image.ID if name not in PROGRAMS]
    try:
        frames = image_files.decode(
            data, partial(_frames, data), formats=formats, max_pixels=MAX_PIXELS, max_bytes=None
        )
    except ImageFileError:
        return FILE, [data]
    return PIXELS, frames


def _frames(data: bytes, image: Image.Image) -> list[bytes]:
    """Return the header and the pixels of each frame."""
    from PIL import ImageSequence  # noqa: PLC0415  data sets of text need no images

    frames = getattr(image, "n_frames", 1)
    image_files.check_pixels(image.width * image.height * frames, MAX_PIXELS)
    parts = [part for frame in ImageSequence.Iterator(image) for part in _frame(frame)]
    if frames == 1:
        decoded_images.keep(data, image)
    return parts


def _frame(image: Image.Image) -> tuple[bytes, bytes]:
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    pixels = image.tobytes()
    return _head(image.mode, image.width, image.height, len(pixels)), pixels


def _head(mode: str, width: int, height: int, size: int) -> bytes:
    return f"{mode} {width} {height} {size}\n".encode()
