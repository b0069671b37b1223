"""Scripts that put no space between words, and how texts in them are cut into words.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and some others write sentences without spaces. What is
a word there takes a dictionary to say, so each character counts as one, as is common for Chinese
and Japanese (character error rate; BLEU of `zh`). A text without such a character is cut as ever.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

CUT: Final = "characters/1"
"""How texts in these scripts are cut. When that changes, it is raised, and so are the versions of
whatever cuts texts here."""

UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf"  # Tai Le, New Tai Lue, Tai Tham
    "\ua980-\ua9df\u1b00-\u1b7f"  # Javanese, Balinese
    "\ua000-\ua4cf"  # Yi
    "\u2e80-\u2fdf\u3001-\u312f\u31a0-\u31ff"  # radicals, signs, kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f"  # wide signs, narrow katakana
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # more kana, more Han
)
"""Ranges of characters, as they stand between the brackets of a regular expression."""
LETTERS: Final = rf"[\w&&[{UNSPACED}]]|[\w&&[^{UNSPACED}]]+"
"""A word of letters, digits and marks, as a pattern of Polars."""
TOKENS: Final = rf"[\S&&[{UNSPACED}]]|[\S&&[^{UNSPACED}]]+"
"""A run of characters without white space, as a pattern of Polars."""
_RUN: Final = re.compile(f"([{UNSPACED}]+)")
_ONE: Final = re.compile(f"([{UNSPACED}])")


def unspaced(texts: pl.Series) -> bool:
    """Tell whether any of some texts has a character of such a script."""
    return bool(texts.cast(pl.String).str.contains(f"[{UNSPACED}]").any())


def separated(text: str) -> str:
    """Put a space before and after each character of such a script."""
    return _ONE.sub(r" \1 ", text)


def runs(text: str) -> list[str]:
    """Cut a text into parts: at even places without such a script, at odd ones of it alone."""
    return _RUN.split(text)
