"""Small pictures of image files that nobody trusts, written anew.

A page shows what was refused, broken files among it, in whatever mode and size it came. So the
decoder works under the limits of `lineage.image_files`, and what it cannot read is left out.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.features import images

if TYPE_CHECKING:
    from PIL import Image


def png(data: bytes | None, side: int) -> bytes | None:
    """A small picture of an image file, as a PNG file.

    Args:
        data: The image file; None where there is none.
        side: Greatest length of the longer side, in pixels; smaller images keep their size.

    Returns:
        None if `data` is no image within the limits.
    """

    def read(image: Image.Image) -> bytes:
        small = image.convert(_mode(image))
        small.thumbnail((side, side))
        return images.png(small)

    try:
        return image_files.decode(data, read, warnings_are_errors=True)
    except ImageFileError:
        return None


def data_uri(data: bytes | None, side: int) -> str | None:
    """The same as `png`, as a data URI."""
    small = png(data, side)
    return None if small is None else f"data:image/png;base64,{base64.b64encode(small).decode()}"


def _mode(image: Image.Image) -> str:
    """The simplest mode that shows an image."""
    if image.mode in ("1", "L"):
        return "L"
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return "RGBA" if has_alpha else "RGB"
