"""Images between PNG files, pixel arrays and pixel vectors, and the picture of a round.

Images come from outside, so every decoder works under limits: known formats, greyscale, one shape,
a bounded number of pixels. `decode` and `vectors` refuse what they cannot read, for data that must
be whole; `decode_lenient` gives NaN instead, for candidates, where a missing image is a finding.
"""

from __future__ import annotations

import io
import textwrap
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
    return [_png(Image.fromarray(each)) for each in pixels]


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


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


CELL: Final = 56
"""Side of a shown image, in pixels of the picture."""
GAP: Final = 10
MARGIN: Final = 24
MAX_CLASSES: Final = 20
REFUSED_LINES: Final = 2
INK, PALE, PAPER = (28, 32, 36), (105, 112, 120), (255, 255, 255)
FRAME: Final = {"real": (120, 126, 134), "accepted": (34, 139, 84), "refused": (200, 62, 52)}

HEADS: Final = {
    "real": "Real images, one column per class: what the generator should imitate",
    "accepted": "Accepted candidates: generated for the class above, every critical check passed",
}


def round_grid(
    *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
) -> bytes:
    """Draw a round: real examples on top, then accepted candidates, then refused ones with reasons.

    Args:
        real: image, label; one column of the picture per class.
        accepted: image, label, of the same classes.
        refused: image (may be null), label (the requested one), reason; only the first rows that
            fit are shown.
        title: of the picture.

    Returns:
        A PNG file.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    classes = real["label"].unique().sort().to_list()[:MAX_CLASSES]
    width = 2 * MARGIN + max(len(classes), 8) * (CELL + GAP)
    canvas = Image.new("RGB", (width, 4000), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), title, INK, font=_font(22))
    y = MARGIN + 44
    y = _by_class(canvas, y, real, classes, "real")
    y = _by_class(canvas, y, accepted, classes, "accepted")
    y = _with_reasons(canvas, y, refused)
    return _png(canvas.crop((0, 0, width, y + MARGIN)))


def _by_class(
    canvas: Image.Image, y: int, frame: pl.DataFrame, classes: list[int], mark: str
) -> int:
    """Draw a section with one column per class; returns where the next one may begin."""
    from PIL import ImageDraw  # noqa: PLC0415  light commands need no images

    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, y), HEADS[mark], FRAME[mark], font=_font(15))
    y += 26
    most = 0
    for column, label in enumerate(classes):
        x = MARGIN + column * (CELL + GAP)
        pen.text((x + CELL // 2, y), str(label), PALE, font=_font(14), anchor="ma")
        shown = decode_lenient(frame.filter(pl.col("label") == label)["image"])
        most = max(most, len(shown))
        for line, values in enumerate(shown):
            _paste(canvas, (x, y + 20 + line * (CELL + GAP)), values, mark)
    if not most:
        pen.text((MARGIN, y + 20), "none", PALE, font=_font(14))
    return y + 20 + max(most, 1) * (CELL + GAP) + 16


def _with_reasons(canvas: Image.Image, y: int, frame: pl.DataFrame) -> int:
    """Draw refused candidates, each with the class that was asked for and why it was refused."""
    from PIL import ImageDraw  # noqa: PLC0415  light commands need no images

    pen = ImageDraw.Draw(canvas)
    head = f"Refused candidates ({len(frame)}): the class asked for, the first check that failed"
    pen.text((MARGIN, y), head, FRAME["refused"], font=_font(15))
    y += 30
    pitch = 2 * (CELL + GAP)
    per_line = (canvas.width - 2 * MARGIN) // pitch
    shown = frame.head(per_line * REFUSED_LINES)
    values = decode_lenient(shown["image"])
    for at, (label, reason) in enumerate(shown.select("label", "reason").iter_rows()):
        x, top = MARGIN + at % per_line * pitch, y + at // per_line * (CELL + 66)
        _paste(canvas, (x, top), values[at], "refused")
        pen.text((x + CELL + 6, top + 8), f"asked\nfor {label}", INK, font=_font(13))
        words = textwrap.wrap(str(reason).replace("_", " "), 20, max_lines=3, placeholder=" …")
        pen.multiline_text((x, top + CELL + 4), "\n".join(words), PALE, font=_font(11), spacing=2)
    if shown.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=_font(14))
    return y + max(-(-len(shown) // per_line), 1) * (CELL + 66)


def _paste(
    canvas: Image.Image, at: tuple[int, int], values: NDArray[np.float32], mark: str
) -> None:
    """Draw one image, enlarged without smoothing, in a frame; a missing one is crossed out."""
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    x, y = at
    box = (x - 2, y - 2, x + CELL + 1, y + CELL + 1)
    pen = ImageDraw.Draw(canvas)
    pen.rectangle(box, outline=FRAME[mark], width=2)
    if values.size == 0 or not np.isfinite(values).all():
        pen.line((x, y, x + CELL, y + CELL), FRAME[mark], 2)
        pen.line((x, y + CELL, x + CELL, y), FRAME[mark], 2)
        return
    image = Image.fromarray(to_bytes(values)).resize((CELL, CELL), Image.Resampling.NEAREST)
    canvas.paste(image.convert("RGB"), at)


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font kinds
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
