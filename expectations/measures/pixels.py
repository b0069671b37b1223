"""Image files as numbers, under limits: known formats, a bounded file, picture and number of both.

What a picture would become is told from its header, before anything is decompressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from expectations.errors import CannotJudge
from lake.files import max_decoded
from lineage import image_files
from lineage.errors import ImageFileError

if TYPE_CHECKING:
    from PIL import Image

VERSION: Final = "pixels/1"
"""Raised when the figures change for equal input; it covers `lineage.image_files` as well."""


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
    for position, data in enumerate(files):
        vector = _read(data, None if values is None else values.shape[1])
        if vector is None:
            continue
        if values is None:
            _bound(files, vector.size)
            values = np.full((len(files), vector.size), np.nan)
        values[position] = vector
    return np.empty((len(files), 0)) if values is None else values


def _bound(files: Sequence[bytes | None], size: int) -> None:
    """Refuse images that together have far more numbers than their files have bytes."""
    there = sum(len(data) for data in files if data is not None)
    most = max_decoded(there, image_files.MAX_TOTAL)
    if len(files) * size > most:
        raise CannotJudge(
            f"{len(files):,} images in {there:,} bytes would be {len(files) * size:,} numbers, "
            f"more than the {most:,} that files of this size may"
        )


def _read(data: bytes | None, size: int | None) -> NDArray[np.float64] | None:
    """Decode an image to numbers; None where it cannot be, or has another size."""

    def read(image: Image.Image) -> NDArray[np.float64]:
        if size not in {None, image.width * image.height * len(image.getbands())}:
            raise ImageFileError("has another number of values")
        return np.asarray(image, dtype=np.float64).ravel() / 255

    try:
        return image_files.decode(data, read, warnings_are_errors=True)
    except ImageFileError:
        return None
