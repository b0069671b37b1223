"""Image files as numbers, under limits: known formats, a bounded file, a bounded picture."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
"""Formats that are ever decoded."""
MAX_PIXELS: Final = 1 << 22
"""Pixels of one image; more is refused before anything is decompressed."""
MAX_BYTES: Final = 1 << 25
"""Bytes of one image file."""


def decode(files: Iterable[bytes | None], size: int | None = None) -> NDArray[np.float64]:
    """Read images as vectors.

    Args:
        files: n image files.
        size: numbers per image; None: as many as the first readable one has.

    Returns:
        [n, d] in [0, 1]; a row of NaN where a file is none, or has another size. [n, 0] if none is
        readable and no size is given.
    """
    found = [_read(each) for each in files]
    width = next((len(each) for each in found if each is not None), 0) if size is None else size
    values = np.full((len(found), width), np.nan)
    for at, each in enumerate(found):
        if each is not None and len(each) == width:
            values[at] = each
    return values


def _read(data: bytes | None) -> NDArray[np.float64] | None:
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    if data is None or len(data) > MAX_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an image that the decoder warns about is not whole
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                return np.asarray(image, dtype=np.float64).ravel() / 255
    except Exception:  # noqa: BLE001  hostile bytes break decoders in any way; each means: no image
        return None
