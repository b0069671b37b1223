"""Small pictures of images that nobody trusts, written anew.

A page shows what was refused, broken files among it, in whatever mode and size it came. So the
decoder works under the limits of `pipelines.features.images`, and what it cannot read is left out.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING

from pipelines.features.images import FORMATS, MAX_BYTES, MAX_PIXELS, png

if TYPE_CHECKING:
    from PIL import Image


def data_uri(data: bytes | None, side: int) -> str | None:
    """A picture of an image file as a data URI of PNG.

    Args:
        data: the file.
        side: its longer side, in pixels; smaller images stay as they are.

    Returns:
        None if it is no image within the limits.
    """
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    if data is None or len(data) > MAX_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an image that the decoder warns about is not shown
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                small = image.convert(_mode(image))
            small.thumbnail((side, side))
            return f"data:image/png;base64,{base64.b64encode(png(small)).decode()}"
    except Exception:  # noqa: BLE001  hostile bytes break decoders in any way; each means: no image
        return None


def _mode(image: Image.Image) -> str:
    """The simplest mode that shows an image."""
    if image.mode in ("1", "L"):
        return "L"
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return "RGBA" if clear else "RGB"
