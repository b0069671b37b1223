"""Image files that nobody trusts, decoded under limits: the only module that opens one.

A file from outside may be broken, may be built to exhaust memory, and may break a decoder in any
way. So the formats are named, the size of the file and the number of pixels are bounded, and both
are known before anything is decompressed; whatever a decoder raises becomes one error.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from lineage.errors import ImageFileError, TooManyPixelsError

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
"""Formats of the images of a data set."""
SOURCE_FORMATS: Final = (*FORMATS, "GIF", "TIFF")
"""Formats of files that are brought into one form before they are stored."""
MAX_PIXELS: Final = 1 << 22
"""Pixels of one image."""
MAX_SOURCE_PIXELS: Final = 1 << 26
"""Pixels of one image that is made smaller before it is stored, such as a photograph."""
MAX_BYTES: Final = 1 << 25
"""Bytes of one image file."""
MAX_TOTAL: Final = 1 << 26
"""Pixels of all images together, however small their files are."""

Result = TypeVar("Result")


def decode(
    data: bytes | None,
    read: Callable[[Image.Image], Result],
    *,
    formats: Sequence[str] = FORMATS,
    max_pixels: int | None = MAX_PIXELS,
    max_bytes: int | None = MAX_BYTES,
    warnings_are_errors: bool = False,
) -> Result:
    """Open an image file and read something from it.

    Args:
        data: The file; None where there is none.
        read: Takes from the opened image what is wanted. Pixels are decompressed only when it asks
            for them, so it can refuse an image by its header, with an `ImageFileError`.
        formats: Names of Pillow's decoders that may be tried.
        max_pixels: Greatest number of pixels; None: Pillow's own limit alone.
        max_bytes: Greatest size of the file; None: any.
        warnings_are_errors: Refuse an image that the decoder warns about. Otherwise warnings are
            dropped, because they quote hostile bytes.

    Returns:
        What `read` returns.

    Raises:
        TooManyPixelsError: The image has more pixels than `max_pixels`, or than Pillow allows.
        ImageFileError: The file is missing, too large, or no image of these formats. Messages are
            predicates, such as "is missing".
    """
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    if data is None:
        raise ImageFileError("is missing")
    if max_bytes is not None and len(data) > max_bytes:
        raise ImageFileError(f"is a file of {len(data)} bytes; the limit is {max_bytes}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error" if warnings_are_errors else "ignore")
            with Image.open(io.BytesIO(data), formats=tuple(formats)) as image:
                check_pixels(image.width * image.height, max_pixels)
                return read(image)
    except ImageFileError:
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError("has too many pixels for a decoder") from error
    except Exception as error:  # hostile bytes break decoders in any way
        raise ImageFileError(
            f"cannot be decoded; it must be one of {', '.join(formats)}"
        ) from error


def check_pixels(pixels: int, limit: int | None = MAX_PIXELS) -> None:
    """Refuse an image with more pixels than the limit.

    Raises:
        TooManyPixelsError: It has more.
    """
    if limit is not None and pixels > limit:
        raise TooManyPixelsError(f"has {pixels} pixels; the limit is {limit}")
