"""The picture of a round of texts: real ones, accepted candidates, refused ones with reasons."""

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
"""Texts of each kind that are shown."""
LETTERS: Final = 52
"""Of a line of a card."""
LINES: Final = 6
"""Of a card; more is cut."""
LINE: Final = 18
GAP: Final = 12
HEADS: Final = {
    "real": "Real texts: what the generator should write like",
    "accepted": "Accepted candidates: every critical check passed",
    "refused": "Refused candidates, with the first check that failed",
}


def of_round(parts: Mapping[str, pl.DataFrame], *, title: str) -> bytes:
    """Draw a round: a PNG.

    Args:
        parts: real, accepted and refused, each with `text` (may be null), `label` where there is
            one, and `reason` of refused ones; only the first rows of each are shown.
        title: of the picture.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    canvas = Image.new("RGB", (WIDTH, 4000), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), title, INK, font=_font(22))
    y = MARGIN + 44
    for name, frame in parts.items():
        head = f"{HEADS[name]} ({len(frame)})" if name == "refused" else HEADS[name]
        pen.text((MARGIN, y), head, FRAME[name], font=_font(15))
        y = _cards(pen, y + 28, frame, name)
    return png(canvas.crop((0, 0, WIDTH, y + MARGIN)))


def _cards(pen: ImageDraw.ImageDraw, y: int, frame: pl.DataFrame, mark: str) -> int:
    """Draw cards in columns; returns where the next section may begin."""
    if frame.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=_font(14))
        return y + 2 * LINE
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
    cards = list(_lines(_spread(frame).head(CARDS)))
    for start in range(0, len(cards), COLUMNS):
        row = cards[start : start + COLUMNS]
        height = LINE * max(len(lines) + 1 for _, lines in row) + GAP
        for at, (head, lines) in enumerate(row):
            x = MARGIN + at * (width + GAP)
            pen.rectangle((x, y, x + width, y + height), outline=FRAME[mark], width=2)
            pen.text((x + GAP, y + 6), head, PALE, font=_font(12))
            for line, words in enumerate(lines, 1):
                pen.text((x + GAP, y + 6 + line * LINE), words, INK, font=_font(13))
        y += height + GAP
    return y + GAP


def _spread(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with the first of each label before the second ones, so that few cards show many."""
    if "label" not in frame.columns:
        return frame
    return frame.sort(pl.int_range(pl.len()).over("label"), maintain_order=True)


def _lines(frame: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Head and lines of each card."""
    for row in frame.iter_rows(named=True):
        known = [str(row[name]).replace("_", " ") for name in ("label", "reason") if row.get(name)]
        text = "no text" if row["text"] is None else row["text"][: LETTERS * LINES * 2]
        lines = [
            line
            for part in visible(text, lines=True).split("\n")
            for line in textwrap.wrap(part, LETTERS, break_long_words=True) or [""]
        ]
        cut = [*lines[: LINES - 1], "…"] if len(lines) > LINES else lines
        yield visible(": ".join(known))[:LETTERS], cut


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font kinds
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
