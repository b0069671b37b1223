"""Images between PNG files, pixel arrays and pixel vectors.

Images come from outside, so every decoder works under limits: known formats, greyscale, one shape,
a bounded number of pixels. `decode` and `vectors` refuse what they cannot read, for data that must
be whole; `decode_lenient` gives NaN instead, for candidates, where a missing image is a finding.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

IMAGE: Final = pl.Struct({"bytes": pl.Binary, "path": pl.String})
MODE: Final = "L"
FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
MAX_PIXELS: Final = 1 << 22
"""Pixels of one image; more is refused before anything is decompressed."""
MAX_BYTES: Final = 1 << 25
"""Bytes of one image file."""


class ImageError(DataError):
    """An image is missing, cannot be decoded, or does not fit the others."""

    kind = "image"


def encode(pixels: NDArray[np.uint8]) -> list[bytes]:
    """Write greyscale images as PNG.

    Args:
        pixels: [n, h, w].

    Returns:
        One PNG file (mode L) for each image.

    Raises:
        ImageError: the array is not [n, h, w] of bytes.
    """
    from PIL import Image  # noqa: PLC0415  light commands need no images

    if pixels.ndim != 3 or pixels.dtype != np.uint8:  # noqa: PLR2004  n, h, w
        raise ImageError(f"images must be [n, h, w] of bytes, not {pixels.dtype} {pixels.shape}")
    return [png(Image.fromarray(each)) for each in pixels]


def encode_lenient(values: NDArray[np.float32]) -> pl.Series:
    """Write generated images as a column; an image with a number that is not finite is null.

    Args:
        values: [n, h, w] in [0, 1], or NaN.

    Returns:
        struct{bytes, path}, n rows, path null.
    """
    whole = finite(values)
    files = iter(encode(to_bytes(values[whole])))
    rows = [{"bytes": next(files), "path": None} if good else None for good in whole]
    return pl.Series("image", rows, dtype=IMAGE)


def decode(images: pl.Series) -> NDArray[np.uint8]:
    """Read greyscale images that must all be there.

    Args:
        images: struct{bytes, path}, n rows.

    Returns:
        [n, h, w].

    Raises:
        ImageError: an image is missing or cannot be decoded, or has another shape than the first;
            the message names its position.
    """
    found = list(_each(images))
    for at, each in enumerate(found):
        if isinstance(each, str):
            path = (images[at] or {}).get("path")
            named = f"the image at position {at}" + (f" ({path})" if path else "")
            raise ImageError(f"{named} {each}")
    arrays = [each for each in found if not isinstance(each, str)]
    return np.stack(arrays) if arrays else np.empty((0, 0, 0), dtype=np.uint8)


def decode_lenient(images: pl.Series, shape: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Read greyscale images of which some may be missing.

    Args:
        images: struct{bytes, path}, n rows.
        shape: height and width; None: those of the first readable image.

    Returns:
        [n, h, w] in [0, 1]; all NaN where an image is missing, cannot be decoded, or has another
        shape. [n, 0, 0] if no shape is given and none is readable.
    """
    found = list(_each(images, shape))
    first = next((each.shape for each in found if not isinstance(each, str)), (0, 0))
    shape = shape or (first[0], first[1])
    values = np.full((len(found), *shape), np.nan, dtype=np.float32)
    for at, each in enumerate(found):
        if not isinstance(each, str):
            values[at] = to_unit(each)
    return values


def vectors(images: pl.Series) -> NDArray[np.float32]:
    """Read images that must all be there as pixel vectors.

    Args:
        images: struct{bytes, path}, n rows.

    Returns:
        [n, h·w] in [0, 1].

    Raises:
        ImageError: as `decode`.
    """
    pixels = decode(images)
    return to_unit(pixels).reshape(len(pixels), pixels.shape[1] * pixels.shape[2])


def to_unit(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes 0..255 as numbers in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)


def to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Finite numbers in [0, 1] as bytes 0..255, rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def finite(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which images [n, …] have finite numbers only, [n]."""
    return np.asarray(np.isfinite(values).all(axis=tuple(range(1, values.ndim))))


def _each(
    images: pl.Series, shape: tuple[int, ...] | None = None
) -> Iterator[NDArray[np.uint8] | str]:
    """Each image's pixels, or what is wrong with it."""
    for item in images:
        found = _read(item)
        if not isinstance(found, str):
            shape = shape or found.shape
            if found.shape != shape:
                found = f"has shape {found.shape}; the others have {shape}"
        yield found


def _read(item: dict[str, Any] | None) -> NDArray[np.uint8] | str:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  light commands need no images

    data = item["bytes"] if item else None
    if data is None:
        return "is missing"
    if len(data) > MAX_BYTES:
        return f"is a file of {len(data)} bytes; the limit is {MAX_BYTES}"
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            problem = _problem(image)
            return problem or np.asarray(image, dtype=np.uint8)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return f"cannot be decoded; it must be one of {', '.join(FORMATS)}"


def _problem(image: Image.Image) -> str | None:
    if image.width * image.height > MAX_PIXELS:
        return f"has {image.width * image.height} pixels; the limit is {MAX_PIXELS}"
    if image.mode != MODE:
        return f"has mode {image.mode}; convert it to greyscale of 8 bits (mode {MODE})"
    return None


def png(image: Image.Image) -> bytes:
    """Write an image as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
