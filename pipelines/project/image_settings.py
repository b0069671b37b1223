"""Settings of ingest that suit images: a size that a generator learns, and what white is.

The files are looked at as ingest will read them, in every format that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.features import image_conversion, image_forms

LARGEST: Final = 32
"""Side of an image up to which the diffusion model is trained in minutes on a processor."""
SHAPES: Final = 500
"""Images whose sizes are looked at."""

Seen = tuple[tuple[int, int], int | None]
"""Width and height of an image, and its brightest grey of 16 bits."""


def suited(files: pl.Series) -> dict[str, Any]:
    """Choose settings by the images.

    Args:
        files: Bytes of image files, or structs with them.
    """
    if isinstance(files.dtype, pl.Struct):
        files = files.struct.field("bytes")
    return {**_size(files), **_white(files)}


def _size(files: pl.Series) -> dict[str, Any]:
    """Choose a size that a generator learns on a processor, where images are larger or differ."""
    sizes = {size for size, _ in _each(files.drop_nulls().head(SHAPES), _header)}
    longest = max((max(size) for size in sizes), default=0)
    if longest <= LARGEST and len(sizes) <= 1:
        return {}
    shapes = {round(width / height, 1) for width, height in sizes}
    fit = {"fit": "pad"} if len(shapes) > 1 else {}
    return {"size": min(longest, LARGEST), **fit}


def _white(files: pl.Series) -> dict[str, Any]:
    """Choose the grey of 16 bits that becomes white, where no image is nearly as bright.

    All images are looked at, since what is brighter than white loses its shades.
    """
    brightest = 0
    for _, found in _each(files.drop_nulls(), _brightest):
        if found is None:
            return {}
        brightest = max(brightest, found)
    white = image_forms.suited_white(brightest)
    return {"white": white} if brightest > 0 and white < image_conversion.WHITE else {}


def _each(files: pl.Series, read: Any) -> Iterator[Seen]:  # noqa: ANN401  Pillow is imported late
    """Read images; ingest names each file that cannot be read."""
    for content in files:
        try:
            yield image_files.decode(
                content,
                read,
                formats=image_files.SOURCE_FORMATS,
                max_pixels=image_files.MAX_SOURCE_PIXELS,
            )
        except ImageFileError:
            continue


def _header(image: Any) -> Seen:  # noqa: ANN401  Pillow is imported late
    return image.size, None


def _brightest(image: Any) -> Seen:  # noqa: ANN401  Pillow is imported late
    return image.size, image_conversion.brightest(image)
