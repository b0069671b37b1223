"""Draw a round of texts: real ones, accepted candidates, and refused ones with reasons.

A card says how many of its characters no installed font has; they are drawn as dots, never as the
boxes that fonts have for what they lack.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from lake.visible import visible
from pipelines.contact_sheet import fonts
from pipelines.contact_sheet.fonts import font
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
    pen.text((MARGIN, MARGIN), title, INK, font=font(22))
    y = MARGIN + 44
    for name, frame in parts.items():
        heading = f"{HEADINGS[name]} ({len(frame)})" if name == "refused" else HEADINGS[name]
        pen.text((MARGIN, y), heading, FRAME[name], font=font(15))
        y = _cards(pen, y + 28, frame, name)
    return png(canvas.crop((0, 0, WIDTH, y + MARGIN)))


def _cards(pen: ImageDraw.ImageDraw, y: int, frame: pl.DataFrame, section: str) -> int:
    """Draw cards in columns; return where the next section may begin."""
    if frame.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=font(14))
        return y + 2 * LINE_HEIGHT
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
    cards = list(_card_texts(_interleaved(frame).head(CARDS)))
    for start in range(0, len(cards), COLUMNS):
        row = cards[start : start + COLUMNS]
        height = LINE_HEIGHT * max(card.height for card in row) + GAP
        for column, card in enumerate(row):
            x = MARGIN + column * (width + GAP)
            pen.rectangle((x, y, x + width, y + height), outline=FRAME[section], width=2)
            _draw(pen, (x + GAP, y + 6), card)
        y += height + GAP
    return y + GAP


def _draw(pen: ImageDraw.ImageDraw, corner: tuple[int, int], card: Card) -> None:
    """Draw heading and lines of a card, then what could not be drawn."""
    x, y = corner
    heading = fonts.drawable(card.heading, 12)
    pen.text((x, y), heading.text, PALE, font=heading.font)
    body = fonts.drawable("\n".join(card.lines), 13)
    for line, words in enumerate(body.text.split("\n"), 1):
        pen.text((x, y + line * LINE_HEIGHT), words, INK, font=body.font)
    for line, note in enumerate(card.notes, 1 + len(card.lines)):
        pen.text((x, y + line * LINE_HEIGHT), note, PALE, font=font(12))


def _interleaved(frame: pl.DataFrame) -> pl.DataFrame:
    """Order rows by their rank within the label, so that few cards show many labels."""
    if "label" not in frame.columns:
        return frame
    return frame.sort(pl.int_range(pl.len()).over("label"), maintain_order=True)


class Card(NamedTuple):
    """What stands on a card."""

    heading: str
    lines: list[str]
    notes: list[str]
    """What could not be drawn of the text."""

    @property
    def height(self) -> int:
        """Lines of the card, its heading with them."""
        return 1 + len(self.lines) + len(self.notes)


def _card_texts(frame: pl.DataFrame) -> Iterator[Card]:
    """Yield what stands on each card."""
    for row in frame.iter_rows(named=True):
        named = [str(row[name]).replace("_", " ") for name in ("label", "reason") if row.get(name)]
        text = "no text" if row["text"] is None else row["text"][: CHARACTERS * LINES * 2]
        lines = [
            line
            for part in visible(text, lines=True).split("\n")
            for line in _wrapped(part) or [""]
        ]
        cut = [*lines[: LINES - 1], "…"] if len(lines) > LINES else lines
        yield Card(visible(": ".join(named))[:CHARACTERS], cut, _notes("\n".join(cut)))


def _wrapped(part: str) -> list[str]:
    """Cut a paragraph into lines; a wide character, such as a Chinese one, takes two places."""
    if not any(map(_wide, part)):
        return textwrap.wrap(part, CHARACTERS, break_long_words=True)
    lines, room = [""], CHARACTERS
    for character in part:
        places = 1 + _wide(character)
        if places > room:
            lines.append("")
            room = CHARACTERS
        lines[-1] += character
        room -= places
    return lines


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in {"W", "F"}


def _notes(text: str) -> list[str]:
    found = fonts.drawable(text, 13)
    absent = f"{found.absent} characters as dots: no installed font has them"
    turned = "right-to-left, drawn left to right: Raqm is missing"
    return [*([absent] if found.absent else []), *([turned] if found.reversed else [])]
