"""Convert images between PNG files, pixel arrays and pixel vectors.

An image is greyscale, [h, w], or in colour, [h, w, 3]; `image_forms` brings others into this form.
Images come from outside, so each is decoded under the limits of `lineage.image_files`, must have
the shape of the others, and all together have a bounded number of pixels.
`decode` and `vectors` refuse what they cannot read, for data that must be complete;
`decode_lenient` returns NaN instead, for candidates, where a missing image is a result.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake import files
from lineage import decoded_images, image_files
from lineage.errors import ImageFileError, TooManyPixelsError
from lineage.image_files import MAX_PIXELS
from pipelines.common.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

IMAGE: Final = pl.Struct({"bytes": pl.Binary, "path": pl.String})
GREY: Final = "L"
COLOUR: Final = "RGB"
MODES: Final = (GREY, COLOUR)
"""Pillow's modes of an image of this module: 8 bits, one number a pixel or three."""
CHANNELS: Final[Mapping[str, tuple[int, ...]]] = {GREY: (), COLOUR: (3,)}
"""What the shape of an array has behind height and width."""
WHITE: Final = np.float32(255)
Shape: TypeAlias = tuple[int, ...]
"""Height and width of an image, and 3 where it is in colour."""


class ImageError(DataError, kind="image"):
    """An image is missing, cannot be decoded, or does not fit the others."""


def encode(pixels: NDArray[np.uint8]) -> list[bytes]:
    """Write images as PNG.

    Args:
        pixels: [n, h, w] or [n, h, w, 3].

    Returns:
        One PNG file (mode L or RGB) for each image.

    Raises:
        ImageError: The array is neither [n, h, w] nor [n, h, w, 3] of bytes.
    """
    from PIL import Image  # noqa: PLC0415  light commands need no images

    is_image = pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[3] == 3)  # noqa: PLR2004
    if not is_image or pixels.dtype != np.uint8:
        raise ImageError(
            f"images must be [n, h, w] or [n, h, w, 3] of bytes, not {pixels.dtype} {pixels.shape}"
        )
    return [png(Image.fromarray(image)) for image in pixels]


def column(pixels: NDArray[np.uint8]) -> pl.Series:
    """Write images as a column of a data set.

    Args:
        pixels: [n, h, w] or [n, h, w, 3].

    Returns:
        struct{bytes, path}, n rows, path null.

    Raises:
        ImageError: as `encode`.
    """
    rows = [{"bytes": file, "path": None} for file in encode(pixels)]
    return pl.Series("image", rows, dtype=IMAGE)


def encode_lenient(values: NDArray[np.float32]) -> pl.Series:
    """Write generated images as a column; an image with a number that is not finite is null.

    Args:
        values: [n, h, w] or [n, h, w, 3] in [0, 1], or NaN.

    Returns:
        struct{bytes, path}, n rows, path null.
    """
    is_finite = finite(values)
    encoded = iter(encode(to_bytes(values[is_finite])))
    rows = [{"bytes": next(encoded), "path": None} if there else None for there in is_finite]
    return pl.Series("image", rows, dtype=IMAGE)


def decode(images: pl.Series) -> NDArray[np.uint8]:
    """Read images of which none may be missing.

    Args:
        images: struct{bytes, path}, n rows.

    Returns:
        [n, h, w] or [n, h, w, 3].

    Raises:
        ImageError: An image is missing, cannot be decoded, or has another shape than the first, and
            the message names its position; or together they are far larger than their files.
    """
    pixels: NDArray[np.uint8] = np.empty((0, 0, 0), dtype=np.uint8)
    for position, result in enumerate(_decoded(images)):
        if isinstance(result, str):
            path = (images[position] or {}).get("path")
            named = f"the image at position {position}" + (f" ({path})" if path else "")
            raise ImageError(f"{named} {result}")
        if not position:
            pixels = np.empty((len(images), *result.shape), dtype=np.uint8)
        pixels[position] = result
    return pixels


def decode_one(item: Mapping[str, Any] | None) -> NDArray[np.uint8]:
    """Read one image without Polars, which a forked process cannot use.

    Args:
        item: bytes and path, as a row of the column holds them.

    Returns:
        [h, w] or [h, w, 3].

    Raises:
        ImageError: The image is missing or cannot be decoded. The message is a predicate.
    """
    result = _read(item, None)
    if isinstance(result, str):
        raise ImageError(result)
    return result


def decode_lenient(images: pl.Series, shape: Shape | None = None) -> NDArray[np.float32]:
    """Read images of which some may be missing.

    Args:
        images: struct{bytes, path}, n rows.
        shape: Height and width, and 3 in colour; None: those of the first readable image.

    Returns:
        [n, h, w] or [n, h, w, 3] in [0, 1]; all NaN where an image is missing, cannot be decoded,
        or has another shape. [n, 0, 0] if no shape is given and none is readable.

    Raises:
        ImageError: No shape is given, and images of the first one's shape would together be far
            larger than their files.
    """
    values: NDArray[np.float32] | None = None
    for position, result in enumerate(_decoded(images, shape)):
        if not isinstance(result, str):
            if values is None:
                values = np.full((len(images), *result.shape), np.nan, dtype=np.float32)
            np.divide(result, WHITE, out=values[position], dtype=np.float32)
    return (
        np.full((len(images), *(shape or (0, 0))), np.nan, np.float32) if values is None else values
    )


def each_lenient(images: pl.Series) -> Iterator[NDArray[np.float32]]:
    """Read images one by one, to be shown: each has a shape of its own.

    Args:
        images: struct{bytes, path}.

    Yields:
        [h, w] or [h, w, 3] in [0, 1]; [0, 0] where one is missing or cannot be decoded.
    """
    for item in images:
        result = _read(item, None)
        yield np.empty((0, 0), np.float32) if isinstance(result, str) else to_unit(result)


def check(images: pl.Series) -> None:
    """Check the headers of images before they are decoded; what is no image at all passes.

    Raises:
        ImageError: An image has more pixels than one may have, or together they are far larger
            than their files.
    """
    pixels = [_size(item) for item in images]
    large = next((row for row, size in enumerate(pixels) if size > MAX_PIXELS), None)
    if large is not None:
        raise ImageError(
            f"the image at position {large} has {pixels[large]} pixels; the limit is {MAX_PIXELS}"
        )
    _bound(images, sum(pixels))


def check_total(images: pl.Series, max_pixels: int) -> list[str | None]:
    """Check by their headers that source images together are not far larger than their files.

    Args:
        images: struct{bytes, path}, n rows.
        max_pixels: Greatest number of pixels of one; larger ones do not count.

    Returns:
        Nothing; where some images are too large by themselves and the others together, what is
        wrong with each of the former, [n].

    Raises:
        ImageError: Together they are too large, and none is so by itself.
    """
    sizes = [_size(item, image_files.SOURCE_FORMATS) for item in images]
    large = [
        f"has {size} pixels; the limit is {max_pixels}" if size > max_pixels else None
        for size in sizes
    ]
    try:
        _bound(images, sum(size for size in sizes if size <= max_pixels))
    except ImageError:
        if any(large):
            return large
        raise
    return []


def vectors(images: pl.Series) -> NDArray[np.float32]:
    """Read images, of which none may be missing, as pixel vectors.

    Args:
        images: struct{bytes, path}, n rows.

    Returns:
        [n, h·w] in [0, 1], three times as many numbers in colour.

    Raises:
        ImageError: As `decode`.
    """
    pixels = decode(images)
    return to_unit(pixels).reshape(len(pixels), math.prod(pixels.shape[1:]))


def to_unit(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert bytes 0..255 to numbers in [0, 1]."""
    values: NDArray[np.float32] = np.divide(pixels, WHITE, dtype=np.float32)
    return values


def to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert finite numbers in [0, 1] to bytes 0..255, rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def finite(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each image of [n, …] has only finite values, [n]."""
    return np.asarray(np.isfinite(values).all(axis=tuple(range(1, values.ndim))))


def _decoded(images: pl.Series, shape: Shape | None = None) -> Iterator[NDArray[np.uint8] | str]:
    """Yield the pixels of each image, or what is wrong with it.

    Raises:
        ImageError: No shape is given, and images of the first one's shape would together be far
            larger than their files.
    """
    for item in images:
        result = _read(item, shape)
        if shape is None and not isinstance(result, str):
            shape = result.shape
            _bound(images, len(images) * result.size)
        yield result


def _bound(images: pl.Series, pixels: int) -> None:
    """Refuse images that together have far more pixels than their files have bytes."""
    size = int(images.struct.field("bytes").bin.size().sum())
    most = files.max_decoded(size, image_files.MAX_TOTAL)
    if pixels > most:
        raise ImageError(
            f"{len(images):,} images in {size:,} bytes would be {pixels:,} pixels, more than the "
            f"{most:,} that files of this size may; use smaller images, or fewer"
        )


def _read(item: Mapping[str, Any] | None, shape: Shape | None) -> NDArray[np.uint8] | str:
    """The pixels of an image, or what is wrong with it."""
    data = item["bytes"] if item else None

    def read(image: Image.Image) -> NDArray[np.uint8]:
        problem = _problem(image.mode, (image.height, image.width), shape)
        if problem is not None:
            raise ImageFileError(problem)
        pixels = np.asarray(image, dtype=np.uint8)
        decoded_images.keep(data or b"", image)
        return pixels

    kept = decoded_images.find(data)
    if kept is not None:
        own = kept.height, kept.width
        pixels = np.frombuffer(kept.pixels, dtype=np.uint8).reshape(own + CHANNELS[kept.mode])
        return _problem(kept.mode, own, shape) or pixels
    try:
        return image_files.decode(data, read)
    except ImageFileError as error:
        return str(error)


def _problem(mode: str, own: tuple[int, int], shape: Shape | None) -> str | None:
    """What is wrong with an image of a mode, height and width, before it is decompressed."""
    if mode not in MODES:
        return f"has mode {mode}; it must be {GREY} or {COLOUR}, as ingest stores images"
    if shape is None or shape == own + CHANNELS[mode]:
        return None
    if own == shape[:2]:
        return f"has mode {mode}, and the others have not"
    return f"has shape {own}; the others have {shape[:2]}"


def _size(item: dict[str, Any] | None, formats: Sequence[str] = image_files.FORMATS) -> int:
    """Number of pixels that an image's header names; 0 for what is no image."""
    data = item["bytes"] if item else None
    kept = decoded_images.find(data)
    if kept is not None:
        return kept.height * kept.width
    try:
        return image_files.decode(
            data,
            lambda image: image.width * image.height,
            formats=formats,
            max_pixels=None,
            max_bytes=None,
        )
    except TooManyPixelsError:
        return image_files.MAX_SOURCE_PIXELS + 1
    except ImageFileError:
        return 0


def png(image: Image.Image) -> bytes:
    """Write an image as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
