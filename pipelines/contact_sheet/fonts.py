"""Which font can draw a text, and which of its characters no installed font has.

Pillow's own font has Latin letters alone, and a font draws a box for what it lacks. So a text that
it cannot draw gets the first installed font that can, and characters that none has are counted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "~/Library/Fonts",
)
SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc"})
MOST: Final = 400
"""Fonts that are tried, the plain ones first."""
STYLES: Final = ("bold", "italic", "oblique", "condensed", "narrow", "light", "mono", "serif")
ABSENT: Final = "\U0010ffff"
"""No font has a glyph for it, so each draws what it draws for all that it lacks."""
PLACEHOLDER: Final = "\u00b7"
"""Stands for a character that no font has."""
RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


class Drawable(NamedTuple):
    """A text as it can be drawn."""

    text: str
    """With a placeholder for each character that no font has."""
    font: Any
    """Pillow's; the library has a union of font types of its own."""
    absent: int
    """Characters that no installed font has."""
    reversed: bool
    """Whether it is right-to-left, and the library that orders such text is not there."""


def drawable(text: str, size: int) -> Drawable:
    """Find a font for a text.

    Args:
        text: What is to be drawn.
        size: Of the font, in pixels.
    """
    wanted = frozenset(character for character in text if not _blank(character))
    path = _best(wanted)
    lacking = frozenset(each for each in wanted if not _has(path, each))
    shown = "".join(PLACEHOLDER if each in lacking else each for each in text)
    absent = sum(each in lacking for each in text)
    return Drawable(shown, font(size, path), absent, _right_to_left(text) and not _shapes())


@cache
def font(size: int, path: str | None = None) -> Any:  # noqa: ANN401  the library's own union
    """Load a font; None: Pillow's own.

    Raises:
        OSError: The file is no font that can be scaled.
    """
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


@cache
def _best(wanted: frozenset[str]) -> str | None:
    """Find the first font that has all characters, else the one that has most."""
    best, most = None, -1
    for path in (None, *_installed()):
        has = sum(_has(path, each) for each in wanted)
        if has > most:
            best, most = path, has
        if has == len(wanted):
            break
    return best


@cache
def _has(path: str | None, character: str) -> bool:
    """Whether a font has a glyph of a character."""
    try:
        return _glyph(path, character) != _glyph(path, ABSENT)
    except (OSError, ValueError):
        return False


@cache
def _glyph(path: str | None, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(24, path).getmask(character)
    return mask.size, bytes(mask)


@cache
def _installed() -> tuple[str, ...]:
    """Fonts of this machine that can be loaded, the plain ones first."""
    found = sorted(set(_files()), key=lambda path: (_styles(path), path))
    return tuple(path for path in found[:MOST] if _loads(path))


def _files() -> Iterator[str]:
    for folder in FOLDERS:
        for path in Path(folder).expanduser().rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                yield str(path)


def _styles(path: str) -> int:
    return sum(style in Path(path).stem.lower() for style in STYLES)


def _loads(path: str) -> bool:
    try:
        font(24, path)
    except OSError:
        return False
    return True


def _blank(character: str) -> bool:
    """Whether a character draws nothing of its own."""
    return character.isspace() or unicodedata.category(character) in {"Cf", "Mn", "Me"}


def _right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text)


@cache
def _shapes() -> bool:
    """Whether Pillow orders right-to-left text, by the libraries Raqm and FriBiDi."""
    from PIL import features  # noqa: PLC0415  light commands need no images

    return bool(features.check("raqm") and features.check("fribidi"))
