"""Image files as numbers, under limits: known formats, a bounded file, picture and number of both.

What a picture would become is told from its header, before anything is decompressed.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.errors import CannotJudge
from lake.files import most_decoded

FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
"""Formats that are ever decoded."""
MAX_PIXELS: Final = 1 << 22
"""Pixels of one image; more is refused before anything is decompressed."""
MAX_BYTES: Final = 1 << 25
"""Bytes of one image file."""
MAX_TOTAL: Final = 1 << 26
"""Numbers that any images together may be, however small their files are."""


def decode(files: Sequence[bytes | None], size: int | None = None) -> NDArray[np.float64]:
    """Read images as vectors.

    Args:
        files: n image files.
        size: numbers per image; None: as many as the first readable one has.

    Returns:
        [n, d] in [0, 1]; a row of NaN where a file is none, or has another size. [n, 0] if none is
        readable and no size is given.

    Raises:
        CannotJudge: no size is given, and images of the first one's are far more than their files.
    """
    values = None if size is None else np.full((len(files), size), np.nan)
    for at, data in enumerate(files):
        found = _read(data, None if values is None else values.shape[1])
        if found is None:
            continue
        if values is None:
            _bound(files, found.size)
            values = np.full((len(files), found.size), np.nan)
        values[at] = found
    return np.empty((len(files), 0)) if values is None else values


def _bound(files: Sequence[bytes | None], size: int) -> None:
    """Refuse images that together have far more numbers than their files have bytes."""
    there = sum(len(each) for each in files if each is not None)
    most = most_decoded(there, MAX_TOTAL)
    if len(files) * size > most:
        raise CannotJudge(
            f"{len(files):,} images in {there:,} bytes would be {len(files) * size:,} numbers, "
            f"more than the {most:,} that files of this size may"
        )


def _read(data: bytes | None, size: int | None) -> NDArray[np.float64] | None:
    """The numbers of an image; None where there is none, or where they are not so many."""
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    if data is None or len(data) > MAX_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an image that the decoder warns about is not whole
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                pixels = image.width * image.height
                if pixels > MAX_PIXELS or size not in {None, pixels * len(image.getbands())}:
                    return None
                return np.asarray(image, dtype=np.float64).ravel() / 255
    except Exception:  # noqa: BLE001  hostile bytes break decoders in any way; each means: no image
        return None
