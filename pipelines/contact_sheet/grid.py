"""Draw a round of images: real examples, accepted candidates, and refused ones with reasons."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.visible import visible
from pipelines.features.images import each_lenient, png, to_bytes

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

CELL: Final = 56
"""Side of a drawn image, in pixels."""
GAP: Final = 10
MARGIN: Final = 24
MAX_CLASSES: Final = 20
REFUSED_LINES: Final = 2
INK, PALE, PAPER = (28, 32, 36), (105, 112, 120), (255, 255, 255)
FRAME: Final = {"real": (120, 126, 134), "accepted": (34, 139, 84), "refused": (200, 62, 52)}

UNLABELLED: Final = 8
"""Columns of the picture where there are no classes."""
HEADINGS_UNLABELLED: Final = {
    "real": "Real images: what the generator should imitate",
    "accepted": "Accepted candidates: every critical check passed",
}
HEADINGS: Final = {
    "real": "Real images, one column per class: what the generator should imitate",
    "accepted": "Accepted candidates: generated for the class above, every critical check passed",
}


def round_grid(
    *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
) -> bytes:
    """Draw a round: real examples on top, then accepted candidates, then refused ones with reasons.

    Args:
        real: Columns image and label; each class becomes a column of the picture. Without labels,
            images stand side by side.
        accepted: Columns image and label, of the same classes.
        refused: Columns image (may be null), label (the requested one, if there are labels) and
            reason; only the first rows that fit are drawn.
        title: Title of the picture.

    Returns:
        A PNG file.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    real, accepted = _in_columns(real), _in_columns(accepted)
    classes = real["label"].unique().sort().to_list()[:MAX_CLASSES]
    width = 2 * MARGIN + max(len(classes), 8) * (CELL + GAP)
    canvas = Image.new("RGB", (width, 4000), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), title, INK, font=_font(22))
    y = MARGIN + 44
    y = _by_class(canvas, y, real, classes, "real")
    y = _by_class(canvas, y, accepted, classes, "accepted")
    y = _with_reasons(canvas, y, refused)
    return png(canvas.crop((0, 0, width, y + MARGIN)))


def _in_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the columns of the picture where there are no labels; these numbers are not drawn."""
    if "label" in frame.columns:
        return frame
    return frame.with_columns((pl.int_range(pl.len()) % UNLABELLED).alias("label"), drawn=False)


def _by_class(
    canvas: Image.Image, y: int, frame: pl.DataFrame, classes: list[int] | list[str], section: str
) -> int:
    """Draw a section with one column per class; return where the next section may begin."""
    from PIL import ImageDraw  # noqa: PLC0415  light commands need no images

    pen = ImageDraw.Draw(canvas)
    named = "drawn" not in frame.columns
    headings = HEADINGS if named else HEADINGS_UNLABELLED
    pen.text((MARGIN, y), headings[section], FRAME[section], font=_font(15))
    y += 26
    most = 0
    for column, label in enumerate(classes):
        x = MARGIN + column * (CELL + GAP)
        if named:
            name, size = _fitting(pen, visible(str(label)))
            pen.text((x + CELL // 2, y), name, PALE, font=_font(size), anchor="ma")
        shown = frame.filter(pl.col("label") == label)["image"]
        most = max(most, len(shown))
        for line, values in enumerate(each_lenient(shown)):
            _paste(canvas, (x, y + 20 + line * (CELL + GAP)), values, section)
    if not most:
        pen.text((MARGIN, y + 20), "none", PALE, font=_font(14))
    return y + 20 + max(most, 1) * (CELL + GAP) + 16


def _with_reasons(canvas: Image.Image, y: int, frame: pl.DataFrame) -> int:
    """Draw refused candidates with the requested class and the reason of the refusal."""
    from PIL import ImageDraw  # noqa: PLC0415  light commands need no images

    pen = ImageDraw.Draw(canvas)
    asked_for = "the class asked for, " if "label" in frame.columns else ""
    heading = f"Refused candidates ({len(frame)}): {asked_for}the first check that failed"
    pen.text((MARGIN, y), heading, FRAME["refused"], font=_font(15))
    y += 30
    pitch = 2 * (CELL + GAP)
    per_line = (canvas.width - 2 * MARGIN) // pitch
    shown = frame.head(per_line * REFUSED_LINES)
    asked = shown["label"] if "label" in shown.columns else [None] * len(shown)
    rows = zip(each_lenient(shown["image"]), asked, shown["reason"], strict=True)
    for number, (values, label, reason) in enumerate(rows):
        x, top = MARGIN + number % per_line * pitch, y + number // per_line * (CELL + 66)
        _paste(canvas, (x, top), values, "refused")
        if label is not None:
            pen.text((x + CELL + 6, top + 8), _asked(visible(str(label))), INK, font=_font(13))
        words = textwrap.wrap(
            visible(str(reason)).replace("_", " "), 20, max_lines=3, placeholder=" …"
        )
        pen.multiline_text((x, top + CELL + 4), "\n".join(words), PALE, font=_font(11), spacing=2)
    if shown.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=_font(14))
    return y + max(-(-len(shown) // per_line), 1) * (CELL + 66)


def _fitting(pen: ImageDraw.ImageDraw, name: str) -> tuple[str, int]:
    """Shorten a class's name to the width of its column; return it and the size of its letters."""
    for size in range(14, 8, -1):
        if pen.textlength(name, font=_font(size)) <= CELL + GAP - 4:
            return name, size
    return textwrap.shorten(name, 11, placeholder="…") if " " in name else f"{name[:10]}…", 9


def _asked(name: str) -> str:
    """Break the name of the class that was asked for into lines beside an image."""
    if len(name) <= 3:  # noqa: PLR2004  as short as a number
        return f"asked\nfor {name}"
    words = textwrap.wrap(name, 8, max_lines=2, placeholder="…") or [name[:8]]
    return "\n".join(["asked for", *words])


def _paste(
    canvas: Image.Image, corner: tuple[int, int], values: NDArray[np.float32], section: str
) -> None:
    """Draw an image, enlarged without smoothing, in a frame; cross out a missing one."""
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    x, y = corner
    box = (x - 2, y - 2, x + CELL + 1, y + CELL + 1)
    pen = ImageDraw.Draw(canvas)
    pen.rectangle(box, outline=FRAME[section], width=2)
    if values.size == 0 or not np.isfinite(values).all():
        pen.line((x, y, x + CELL, y + CELL), FRAME[section], 2)
        pen.line((x, y + CELL, x + CELL, y), FRAME[section], 2)
        return
    image = Image.fromarray(to_bytes(values)).resize((CELL, CELL), Image.Resampling.NEAREST)
    canvas.paste(image.convert("RGB"), corner)


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font types
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
