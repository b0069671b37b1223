"""Characters and braces of answers, as ASCII and LaTeX; what has no plain meaning is refused."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipelines.sandbox.maths.forms import UnreadableError

INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
NAMED: Final = {
    "MINUS SIGN": "-",
    "EN DASH": "-",
    "FIGURE DASH": "-",
    "HYPHEN": "-",
    "NON-BREAKING HYPHEN": "-",
    "SMALL HYPHEN-MINUS": "-",
    "MULTIPLICATION SIGN": "\\times ",
    "MULTIPLICATION X": "\\times ",
    "VECTOR OR CROSS PRODUCT": "\\times ",
    "MIDDLE DOT": "\\cdot ",
    "DOT OPERATOR": "\\cdot ",
    "BULLET OPERATOR": "\\cdot ",
    "BULLET": "\\cdot ",
    "DIVISION SIGN": "\\div ",
    "DIVISION SLASH": "/",
    "FRACTION SLASH": "/",
    "PLUS-MINUS SIGN": "\\pm ",
    "MINUS-OR-PLUS SIGN": "\\mp ",
    "SQUARE ROOT": "\\surd ",
    "INFINITY": "\\infty ",
    "LESS-THAN OR EQUAL TO": "\\le ",
    "LESS-THAN OR SLANTED EQUAL TO": "\\le ",
    "GREATER-THAN OR EQUAL TO": "\\ge ",
    "GREATER-THAN OR SLANTED EQUAL TO": "\\ge ",
    "NOT EQUAL TO": "\\ne ",
    "ALMOST EQUAL TO": "\\approx ",
    "ELEMENT OF": "\\in ",
    "UNION": "\\cup ",
    "INTERSECTION": "\\cap ",
    "SET MINUS": "\\setminus ",
    "EMPTY SET": "\\emptyset ",
    "RATIO": ":",
    "DEGREE SIGN": "^\\circ ",
    "MASCULINE ORDINAL INDICATOR": "^\\circ ",
    "PRIME": "'",
    "LEFT SINGLE QUOTATION MARK": "'",
    "RIGHT SINGLE QUOTATION MARK": "'",
    "LEFT DOUBLE QUOTATION MARK": '"',
    "RIGHT DOUBLE QUOTATION MARK": '"',
    "HORIZONTAL ELLIPSIS": "\\ldots ",
    "DOUBLE-STRUCK CAPITAL R": "\\mathbb{R}",
    "DOUBLE-STRUCK CAPITAL Z": "\\mathbb{Z}",
    "DOUBLE-STRUCK CAPITAL N": "\\mathbb{N}",
    "DOUBLE-STRUCK CAPITAL Q": "\\mathbb{Q}",
    "DOUBLE-STRUCK CAPITAL C": "\\mathbb{C}",
    "MATHEMATICAL LEFT ANGLE BRACKET": "\\langle ",
    "MATHEMATICAL RIGHT ANGLE BRACKET": "\\rangle ",
    "LEFT FLOOR": "\\lfloor ",
    "RIGHT FLOOR": "\\rfloor ",
    "LEFT CEILING": "\\lceil ",
    "RIGHT CEILING": "\\rceil ",
    "MICRO SIGN": "\\mu ",
    "CENT SIGN": " cents",
    "EURO SIGN": "\\euro ",
    "POUND SIGN": "\\pounds ",
    "YEN SIGN": "\\yen ",
}
PLAIN: Final = {unicodedata.lookup(name): text for name, text in NAMED.items()}
GREEK_LETTERS: Final = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϕ"
GREEK_NAMES: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega phi"
)
GREEK: Final = {
    letter: rf"\{name} " for letter, name in zip(GREEK_LETTERS, GREEK_NAMES.split(), strict=True)
}
RAISED: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni", strict=True))
LOWERED: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
MATHEMATICAL: Final = range(0x1D400, 0x1D800)
"""Letters and digits in bold, italic and other mathematical styles."""
FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
BRACES: Final = re.compile(r"\\.|[{}]", re.DOTALL)
SUPERSCRIPTS: Final = re.compile(f"[{re.escape(''.join(RAISED))}]+")
SUBSCRIPTS: Final = re.compile(f"[{re.escape(''.join(LOWERED))}]+")


def plain(text: str) -> str:
    """The text in ASCII and LaTeX commands; characters without a plain form stay as they are.

    Raises:
        UnreadableError: it holds a character that is not seen, such as one that turns the direction
            of text, or half of a surrogate pair.
    """
    text = text.translate(INVISIBLE)
    text = SUPERSCRIPTS.sub(lambda found: _moved("^", found[0], RAISED), text)
    text = SUBSCRIPTS.sub(lambda found: _moved("_", found[0], LOWERED), text)
    return "".join(each if " " <= each < "\x7f" else _one(each) for each in text)


def closing_brace(text: str, start: int, what: str) -> int:
    """The place after the brace that closes the one before `start`.

    Raises:
        UnreadableError: nothing closes it; the message names `what` is open.
    """
    depth = 1
    for each in BRACES.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(each[0], 0)
        if depth == 0:
            return each.end()
    raise UnreadableError(f"{what} is not closed")


def _moved(sign: str, characters: str, known: dict[str, str]) -> str:
    return f"{sign}{{{''.join(known[each] for each in characters)}}}"


def _one(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    if character in GREEK:
        return GREEK[character]
    if ord(character) in FULL_WIDTH:
        return chr(ord(character) - 0xFEE0)
    if ord(character) in MATHEMATICAL:
        styled = unicodedata.normalize("NFKC", character)
        return styled if styled.isascii() else GREEK.get(styled, character)
    return _by_category(character)


def _by_category(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character.isspace():
        return " " if character != "\n" else character
    if category.startswith("C"):
        raise UnreadableError(f"it holds the character U+{ord(character):04X}")
    if "fraction" in unicodedata.name(character, "").lower():
        parts = unicodedata.normalize("NFKC", character).split("\u2044")
        if len(parts) == len("ab") and all(part.isdigit() for part in parts):
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
    return character
