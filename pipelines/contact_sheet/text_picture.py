"""Draw a round of texts: real ones, accepted candidates, and refused ones with reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lake.visible import visible
from pipelines.contact_sheet.grid import FRAME, INK, MARGIN, PALE, PAPER
from pipelines.features.images import png

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH: Final = 1200
COLUMNS: Final = 3
CARDS: Final = 12
"""Number of texts of each section that are drawn."""
CHARACTERS: Final = 52
"""Characters of a line of a card."""
LINES: Final = 6
"""Lines of a card; a longer text is cut."""
LINE_HEIGHT: Final = 18
"""Height of a line, in pixels."""
GAP: Final = 12
HEADINGS: Final = {
    "real": "Real texts: what the generator should write like",
    "accepted": "Accepted candidates: every critical check passed",
    "refused": "Refused candidates, with the first check that failed",
}


def of_round(parts: Mapping[str, pl.DataFrame], *, title: str) -> bytes:
    """Draw a round as a PNG file.

    Args:
        parts: Frames named real, accepted and refused, with column `text` (may be null), `label` if
            the data set has labels, and `reason` for refused ones; the first rows are drawn.
        title: Title of the picture.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    canvas = Image.new("RGB", (WIDTH, 4000), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), title, INK, font=_font(22))
    y = MARGIN + 44
    for name, frame in parts.items():
        heading = f"{HEADINGS[name]} ({len(frame)})" if name == "refused" else HEADINGS[name]
        pen.text((MARGIN, y), heading, FRAME[name], font=_font(15))
        y = _cards(pen, y + 28, frame, name)
    return png(canvas.crop((0, 0, WIDTH, y + MARGIN)))


def _cards(pen: ImageDraw.ImageDraw, y: int, frame: pl.DataFrame, section: str) -> int:
    """Draw cards in columns; return where the next section may begin."""
    if frame.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=_font(14))
        return y + 2 * LINE_HEIGHT
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
    cards = list(_card_texts(_interleaved(frame).head(CARDS)))
    for start in range(0, len(cards), COLUMNS):
        row = cards[start : start + COLUMNS]
        height = LINE_HEIGHT * max(len(lines) + 1 for _, lines in row) + GAP
        for column, (heading, lines) in enumerate(row):
            x = MARGIN + column * (width + GAP)
            pen.rectangle((x, y, x + width, y + height), outline=FRAME[section], width=2)
            pen.text((x + GAP, y + 6), heading, PALE, font=_font(12))
            for line, words in enumerate(lines, 1):
                pen.text((x + GAP, y + 6 + line * LINE_HEIGHT), words, INK, font=_font(13))
        y += height + GAP
    return y + GAP


def _interleaved(frame: pl.DataFrame) -> pl.DataFrame:
    """Order rows by their rank within the label, so that few cards show many labels."""
    if "label" not in frame.columns:
        return frame
    return frame.sort(pl.int_range(pl.len()).over("label"), maintain_order=True)


def _card_texts(frame: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Yield the heading and the lines of each card."""
    for row in frame.iter_rows(named=True):
        named = [str(row[name]).replace("_", " ") for name in ("label", "reason") if row.get(name)]
        text = "no text" if row["text"] is None else row["text"][: CHARACTERS * LINES * 2]
        lines = [
            line
            for part in visible(text, lines=True).split("\n")
            for line in textwrap.wrap(part, CHARACTERS, break_long_words=True) or [""]
        ]
        cut = [*lines[: LINES - 1], "…"] if len(lines) > LINES else lines
        yield visible(": ".join(named))[:CHARACTERS], cut


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font types
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
