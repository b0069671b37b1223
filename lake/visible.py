r"""Foreign text made safe to show: what does not print becomes a mark, and nothing else changes.

Generated text, names of folders, columns and sources, labels, messages of services: any of them
may hold characters that set a window's title, move a cursor, turn the direction of writing, or
stand for nothing at all. Whoever shows such a text, on a terminal, in a page or in a log, shows it
through this module, the only one that knows which characters these are.

A mark is `\u{…}` with the code point in hexadecimal digits: ESC is `\u{1b}`, U+202E `\u{202e}`, and
half a surrogate pair `\u{d83d}`. It is plain ASCII, so that every terminal, font and encoding has
it. Where a text itself holds a backslash before `u{`, that backslash is marked (`\u{5c}u{1b}`): two
texts never look the same, and `unmark` restores the text. Hence a text is marked once, where it is
shown; `mark_unprintable` is for what is put together of marked and own parts.

What prints is what Unicode calls a letter, mark, number, punctuation, symbol or space. Everything
else is marked: controls (C0, DEL, C1), formats (zero-width characters, bidirectional overrides and
isolates, joiners), surrogates, private use, separators of lines and paragraphs, and code points
that nothing is assigned to. Line breaks and tabs stay only where a text is shown with its lines; on
one line they are marks as well.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable
from typing import Final

MAX_MESSAGE: Final = 1000
"""Characters of a message, however long the text that it quotes."""
_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode's general categories of what does not print."""
_AMBIGUOUS: Final = re.compile(r"\\(?=u\{)")
_MARK: Final = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_PLAIN: Final[dict[str, str]] = {
    "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "·": "*", "→": "->", "←": "<-",
    "φ": "phi", "ψ": "psi", "σ": "sigma", "ρ": "rho", "≤": "<=", "≥": ">=", "≈": "~",
}  # fmt: skip
"""Replacements of our own signs where an output's encoding lacks them."""
_BLOCKS: Final = range(0x2580, 0x25A0)
"""Block elements, of which bars are drawn."""


class _Table(dict[int, int | str]):
    """For `str.translate`: a code point stays, unless it has a replacement."""

    def __init__(
        self, kept: str, is_replaced: Callable[[int], bool], replacement: Callable[[int], str]
    ) -> None:
        """Take what always stays, which other code points are replaced, and by what."""
        super().__init__({ord(letter): ord(letter) for letter in kept})
        self._is_replaced, self._replacement = is_replaced, replacement

    def __missing__(self, code: int) -> int | str:
        self[code] = self._replacement(code) if self._is_replaced(code) else code
        return self[code]


def _hidden(code: int) -> bool:
    return unicodedata.category(chr(code)) in _HIDDEN


def _beyond_ascii(code: int) -> bool:
    return not ord(" ") <= code <= ord("~")


def _mark(code: int) -> str:
    return f"\\u{{{code:x}}}"


def _escape(code: int) -> str:
    """JSON's own escape, of a pair of surrogates beyond the basic plane."""
    units = chr(code).encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[start : start + 2].hex()}" for start in range(0, len(units), 2))


_ONE_LINE: Final = _Table("", _hidden, _mark)
_LINES: Final = _Table("\n\t", _hidden, _mark)
_JSON: Final = _Table("\n\t", _hidden, _escape)
_ASCII_JSON: Final = _Table("\n\t", _beyond_ascii, _escape)


def visible(text: str, *, lines: bool = False) -> str:
    """A foreign text with marks for what does not print.

    Args:
        text: as it is; a text that is marked already would be marked again.
        lines: whether line breaks and tabs stay, since the text is shown with its lines.
    """
    if text.isprintable() and "\\u{" not in text:
        return text
    return _AMBIGUOUS.sub(r"\\u{5c}", text).translate(_LINES if lines else _ONE_LINE)


def mark_unprintable(text: str) -> str:
    """A whole of marked texts and own words, with marks for what else does not print.

    Line breaks, tabs and marks stay.
    """
    return text if text.isprintable() else text.translate(_LINES)


def shorten(text: str) -> str:
    """A message of limited length: what is wrong is at its beginning, the remedy at its end."""
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]} … {text[-half:]}"


def unmark(marked: str) -> str:
    """The text that `visible` has marked."""
    return _MARK.sub(lambda mark: chr(min(int(mark[1], 16), 0x10FFFF)), marked)


def escape_json(text: str, *, ascii_only: bool = False) -> str:
    """JSON in which all that does not print is escaped as JSON does it.

    Args:
        text: JSON in which ASCII controls but DEL are escaped, as every writer of JSON does.
        ascii_only: escape everything beyond ASCII.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return text.translate(_ASCII_JSON if ascii_only else _JSON)


def _unencodable(error: UnicodeError) -> tuple[str, int]:
    """Replacements of characters that an output's encoding lacks: a plain sign, or a mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    marks = ("#" if ord(letter) in _BLOCKS else _mark(ord(letter)) for letter in lacking)
    plain = (_PLAIN.get(letter, mark) for letter, mark in zip(lacking, marks, strict=True))
    return "".join(plain), error.end


MARKED: Final = "stemma.marked"
"""Name of the handler of encoding errors that writes marks, for `open` and `reconfigure`."""
codecs.register_error(MARKED, _unencodable)
