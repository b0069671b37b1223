"""Bring image files of any mode, depth, orientation and size into the one form of a data set.

The form is greyscale (Pillow's mode L) or colour (RGB) of 8 bits, upright, opaque, and of one
size. A file that has it already is kept byte for byte; any other is written anew as PNG without
metadata. The steps, in their order:

1. 16 bits become 8: the high byte is kept, or grey is scaled to its white. A palette and
   black-and-white become what they show.
2. The orientation that EXIF names is applied.
3. Alpha, and a transparent colour, is laid on the ground.
4. CMYK becomes RGB by Pillow's formula; colour profiles are not read.
5. The image is cropped, padded or stretched to the size (bicubic, with antialiasing).

Greyscale stays greyscale, unless other images of the data set are in colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lineage import decoded_images, image_files
from lineage.errors import ImageFileError
from pipelines.features import image_conversion as conversion
from pipelines.features import images
from pipelines.features.image_conversion import Form, Size
from pipelines.features.images import COLOUR, ImageError

if TYPE_CHECKING:
    from PIL import Image

NAMED: Final = 20
"""Broken images that a sentence names."""
BLOCK: Final = 8192
"""Images whose new files are held beside their column."""
SIZES: Final = 5
"""Sizes that a sentence names."""


@dataclass(frozen=True, slots=True)
class Formed:
    """Images in one form, and how many were changed for it."""

    images: pl.Series
    """struct{bytes, path}, n rows, all of one mode and size."""
    changed: int
    """How many were written anew."""
    resized: int
    """How many of these had another size."""
    deep: int = 0
    """How many had 16 bits, of which 8 are kept."""
    brightest: int | None = None
    """The greatest value of grey of 16 bits; None without such an image."""


@dataclass(frozen=True, slots=True)
class _File:
    """An image file in the form of a data set, but perhaps of another mode than the others."""

    mode: str
    size: Size
    changed: bool = False
    resized: bool = False
    deep: bool = False
    brightest: int | None = None


def bring(column: pl.Series, form: Form) -> Formed:
    """Bring images into one form.

    Args:
        column: struct{bytes, path}, n rows.
        form: The form.

    Raises:
        ImageError: Images cannot be read, or have more than one size where the form names none; or
            they are far larger than their files. The message is a predicate of the images and
            names every file or row that is at fault, up to `NAMED`.
    """
    files, parts = _files(column, form)
    _check_sizes(files)
    if len({file.mode for file in files}) > 1:
        parts = list(_coloured(parts, files))
        files = [_in_colour(file) for file in files]
    return Formed(
        pl.concat([column.clear(), *parts]),
        sum(file.changed for file in files),
        sum(file.resized for file in files),
        sum(file.deep for file in files),
        max((file.brightest for file in files if file.brightest is not None), default=None),
    )


def account(formed: Formed, white: int) -> Iterator[str]:
    """Say how many images were written anew, and what became of 16 bits."""
    if formed.changed:
        yield (
            f"{formed.changed:,} of {len(formed.images):,} images are stored anew as PNG, "
            f"{formed.resized:,} of them in another size"
        )
    if not formed.deep:
        return
    said = f"{formed.deep:,} images have 16 bits, of which 8 are kept"
    if formed.brightest is not None:
        seen = min(formed.brightest * 256 // (white + 1), 255)
        said += f"; the brightest grey, {formed.brightest:,}, becomes {seen} of 255"
        if (better := suited_white(formed.brightest)) < white:
            said += f": set ingest.white to {better} to keep more shades"
        elif formed.brightest > white:
            said += f", as all that is above ingest.white ({white:,})"
    yield said


def suited_white(brightest: int) -> int:
    """Return the greatest value of the fewest bits, 8 to 16, that a grey value has."""
    return (1 << min(max(brightest.bit_length(), 8), 16)) - 1


def _files(column: pl.Series, form: Form) -> tuple[list[_File], list[pl.Series]]:
    """Bring each image into the form, and name all that cannot be.

    Returns:
        What became of each, [n]; and the images, in blocks.

    Raises:
        ImageError: There are images that cannot be brought into the form.
    """
    problems = [
        f"{_name(column, row)} {problem}"
        for row, problem in enumerate(images.check_total(column, form.max_pixels))
        if problem is not None
    ]
    if problems:
        raise ImageError(_refused(problems, len(column)))
    files: list[_File] = []
    parts: list[pl.Series] = []
    for start in range(0, len(column), BLOCK):
        block, changed = column.slice(start, BLOCK), list[bytes | None]()
        for row, item in enumerate(block, start):
            result = _formed(item, form)
            if isinstance(result, str):
                problems.append(f"{_name(column, row)} {result}")
            else:
                files.append(result[0])
                changed.append(result[1])
        if not problems:
            parts.append(_with(block, changed))
    if problems:
        raise ImageError(_refused(problems, len(column)))
    return files, parts


def _with(block: pl.Series, changed: list[bytes | None]) -> pl.Series:
    """Put the files that were written anew in the place of the source's; None keeps that."""
    if not any(changed):
        return block
    old = block.struct.field("bytes").alias("old"), block.struct.field("path")
    new = pl.Series("new", changed, dtype=pl.Binary)
    stored = pl.struct(pl.coalesce("new", "old").alias("bytes"), "path")
    return pl.DataFrame([new, *old]).select(stored.alias(block.name)).to_series()


def _formed(item: dict[str, Any] | None, form: Form) -> tuple[_File, bytes | None] | str:
    """Bring one image into the form; return what is wrong with it where it cannot be.

    Returns:
        What became of it, and its file if it was written anew.
    """
    data = item["bytes"] if item else None

    def read(image: Image.Image) -> tuple[_File, bytes | None]:
        size, deep = (image.height, image.width), conversion.has_16_bits(image)
        kept = conversion.is_plain(image)
        whole = image if kept else conversion.plain(image, form)
        fitted = conversion.fit_to(whole, form)
        if kept and fitted is whole:
            image.load()
            decoded_images.keep(data or b"", image)
            return _as_it_is(image.mode, size), None
        shape, written = (fitted.height, fitted.width), conversion.written(fitted)
        decoded_images.keep(written, fitted, "PNG")
        resized, brightest = fitted is not whole, conversion.brightest(image)
        return _File(fitted.mode, shape, True, resized, deep, brightest), written

    try:
        return image_files.decode(
            data, read, formats=image_files.SOURCE_FORMATS, max_pixels=form.max_pixels
        )
    except ImageFileError as error:
        return str(error)


@cache
def _as_it_is(mode: str, size: Size) -> _File:
    """Return what an image is that keeps its bytes: one value for all of a mode and size."""
    return _File(mode, size)


def _coloured(parts: list[pl.Series], files: list[_File]) -> Iterator[pl.Series]:
    """Yield blocks of images in colour, for a data set of which some images are."""
    modes = iter(file.mode for file in files)
    for block in parts:
        changed = [
            None if next(modes) == COLOUR else image_files.decode(data, _written_in_colour)
            for data in block.struct.field("bytes")
        ]
        yield _with(block, changed)


def _written_in_colour(image: Image.Image) -> bytes:
    in_colour = image.convert(COLOUR)
    written = conversion.written(in_colour)
    decoded_images.keep(written, in_colour, "PNG")
    return written


def _in_colour(file: _File) -> _File:
    return file if file.mode == COLOUR else replace(file, mode=COLOUR, changed=True)


def _name(column: pl.Series, row: int) -> str:
    path = (column[row] or {}).get("path")
    return repr(path) if path else f"row {row}"


def _refused(problems: list[str], count: int) -> str:
    more = f"; and {len(problems) - NAMED:,} more" if len(problems) > NAMED else ""
    listed = "; ".join(problems[:NAMED])
    return (
        f"{len(problems):,} of {count:,} images cannot be used: {listed}{more}. Repair these files "
        "or take them out of the source"
    )


def _check_sizes(files: list[_File]) -> None:
    """Refuse images of more than one size.

    Raises:
        ImageError: There are several.
    """
    sizes = Counter(file.size for file in files)
    if len(sizes) < 2:  # noqa: PLR2004  one size is what is wanted
        return
    listed = ", ".join(
        f"{width}x{height} ({count:,})" for (height, width), count in sizes.most_common(SIZES)
    )
    more = f" and {len(sizes) - SIZES:,} more" if len(sizes) > SIZES else ""
    height, width = sizes.most_common(1)[0][0]
    raise ImageError(
        f"the images have {len(sizes):,} sizes, width by height: {listed}{more}; set one under "
        f"ingest, such as size: [{height}, {width}] (height, width), and fit: crop, pad or stretch"
    )
