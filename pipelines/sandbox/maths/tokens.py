r"""The tokens of an answer.

Layout commands (\left, \,) and delimiters are left out, \text{…} is replaced by the tokens of what
it holds; anything else that is no token of mathematics or of a plain sentence is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pipelines.sandbox.maths import units
from pipelines.sandbox.maths.characters import closing_brace
from pipelines.sandbox.maths.forms import Notes, UnreadableError
from pipelines.sandbox.maths.vocabulary import (
    COMMAND_WORDS,
    FUNCTIONS,
    GLUED,
    NUMBERS,
    PLAIN_SIGNS,
    SHORT_WORDS,
    SIGNS,
    SPELLED,
    SYNONYMS,
    TENS,
)

MAX_TOKENS: Final = 600
MAX_TEXTS: Final = 5
"""Depth of texts within texts."""
PRODUCT: Final = 3
"""Letters that are a product, such as abc; a longer run is a word."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token."""

    kind: str
    """number, letter, word, command, sign, set, environment."""
    text: str
    spaced: bool = False
    """Whether a space stands before it."""


LAYOUT: Final = re.compile(
    r"\s+|~|\\[,;:!> \n]|\\[()\[\]]|\\(?:left|right)(?![A-Za-z]|\s*\.)"
    r"|\\(?:big|Big|bigg|Bigg)[lr]?(?![A-Za-z])"
    r"|\\(?:quad|qquad|displaystyle|textstyle|limits|nolimits|hfill)(?![A-Za-z])"
)
TEXTS: Final = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|textsf|mbox|hbox|mathrm|mathbf|mathit|mathsf"
    r"|boldsymbol|operatorname)\*?\s*\{"
)
BLACKBOARD: Final = re.compile(r"\\(?:mathbb|Bbb)(?:\s*\{\s*([RZNQC])\s*\}|\s+([RZNQC])\b)")
ENVIRONMENT: Final = re.compile(r"\\(begin|end)\s*\{([a-z]*matrix|array)\}(?:\{[lcr| ]*\})?")
NUMBER: Final = re.compile(
    r"[0-9]+\.(?=\\(?:overline|bar|dot)\b)"
    r"|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![0-9A-Za-z.]))?"
)
SEPARATORS: Final = (r",\\!\s?", r",", r"\{,\}", r"\\,", r" ", r"~", r"\\ ")
GROUPED: Final = re.compile(
    "|".join(
        rf"[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{3}})+(?![0-9]|\s*/)(?:\.[0-9]+)?"
        for separator in SEPARATORS
    )
)
INVISIBLE_COMMA: Final = re.compile(r",\\!\s?|\{,\}")
DECIMAL_COMMA: Final = re.compile(r"[0-9]+,[0-9]+(?![0-9,])")
REPEATING: Final = re.compile(r"\\(?:overline|bar|dot)\s*(?:\{\s*([0-9]+)\s*\}|([0-9])(?![0-9]))")
ANOTHER_POINT: Final = re.compile(r"\.?[0-9]|\.\.")
COMMAND: Final = re.compile(r"\\([A-Za-z]+|[{}|%$\\#&_])")
COMPOUND: Final = re.compile(
    rf"({'|'.join(TENS[1:])})[- ](one|two|three|four|five|six|seven|eight|nine)\b", re.IGNORECASE
)
NOUN: Final = re.compile(r"(?<=[0-9] )[a-z]{2,3}(?=[.]?\s*\Z|\s+[a-z]{2,})")
"""A short word behind a number and a space, such as men, rather than a product of its letters."""
LETTERS: Final = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
SIGN: Final = re.compile(r"\+\s*/\s*-|\*\*|<=|>=|!=|==|=<|=>|->|[-+*/^_=<>!|:;,()\[\]{}&%$'?.#\"`]")


def tokenize(text: str, notes: Notes, depth: int = 0) -> list[Token]:
    """The tokens of an answer in plain characters.

    Args:
        text: the answer.
        notes: how to read what is ambiguous.
        depth: in how many texts within mathematics it stands.

    Raises:
        UnreadableError: a part of it is no token.
    """
    if depth > MAX_TEXTS:
        raise UnreadableError("it nests texts too deeply")
    found: list[Token] = []
    at, spaced, brackets = 0, depth > 0, 0
    while at < len(text):
        if layout := LAYOUT.match(text, at):
            at, spaced = layout.end(), True
            continue
        is_text = TEXTS.match(text, at) is not None
        new, at = _next(text, at, notes, brackets, depth)
        found += [replace(each, spaced=each.spaced or spaced) for each in new[:1]] + new[1:]
        brackets += sum(_bracket(each) for each in new)
        spaced = is_text
        if len(found) > MAX_TOKENS:
            raise UnreadableError(f"it has more than {MAX_TOKENS} parts")
    return found


def _bracket(token: Token) -> int:
    """How a token changes the depth of brackets."""
    if token.kind == "command":
        return (token.text == "{") - (token.text == "}")
    return (token.text in {"(", "["}) - (token.text in {")", "]"}) if token.kind == "sign" else 0


def _next(text: str, at: int, notes: Notes, brackets: int, depth: int) -> tuple[list[Token], int]:
    """The tokens at a place of a text, and the place after them."""
    if opening := TEXTS.match(text, at):
        end = closing_brace(text, opening.end(), "a brace")
        return tokenize(text[opening.end() : end - 1], notes, depth + 1), end
    if number := _grouped(text, at, notes, brackets) or NUMBER.match(text, at):
        return _number(text, number)
    for pattern, make in RULES:
        if found := pattern.match(text, at):
            return make(found, depth > 0), found.end()
    raise UnreadableError(f"it holds {text[at]!a}")


def _grouped(text: str, at: int, notes: Notes, brackets: int) -> re.Match[str] | None:
    """A number with separators between its thousands, if it is read as one here."""
    way = notes.options.commas
    grouped = GROUPED.match(text, at)
    if grouped is None:
        decimal = None if brackets else DECIMAL_COMMA.match(text, at)
        notes.comma = notes.comma or decimal is not None
        return decimal if way == "decimal" else None
    if "," not in INVISIBLE_COMMA.sub("", grouped[0]):
        return grouped
    notes.comma = True
    return grouped if way == "inside" or (way == "thousands" and not brackets) else None


def _number(text: str, found: re.Match[str]) -> tuple[list[Token], int]:
    """A number, whose decimals may repeat, and the place after it."""
    digits = re.sub(r"[^0-9.eE+-]", "", found[0])
    if DECIMAL_COMMA.fullmatch(found[0]) and not GROUPED.fullmatch(found[0]):
        digits = found[0].replace(",", ".")
    at = found.end()
    if "." in digits and (repeating := REPEATING.match(text, at)):
        return [Token("number", f"{digits}~{repeating[1] or repeating[2]}")], repeating.end()
    if ANOTHER_POINT.match(text, at):
        raise UnreadableError("a number has two points")
    return [Token("number", digits)], at


def _command(found: re.Match[str], _: bool) -> list[Token]:
    if found[1] == "degree":
        return [Token("sign", "^"), Token("command", "circ")]
    name = SYNONYMS.get(found[1], found[1])
    if name in COMMAND_WORDS:
        return [Token("word", COMMAND_WORDS[name])]
    return [Token("sign", SIGNS[name]) if name in SIGNS else Token("command", name)]


def _compound(found: re.Match[str], _: bool) -> list[Token]:
    return [Token("number", str(sum(NUMBERS[part.lower()] for part in found.groups())))]


def _letters(found: re.Match[str], in_text: bool) -> list[Token]:
    """A run of letters: a name, a word, or letters that are multiplied."""
    run = found[0]
    if run in FUNCTIONS or run in SPELLED:
        return [Token("command", {"infinity": "infty"}.get(run, run))]
    if run.lower() in NUMBERS:
        return [Token("number", str(NUMBERS[run.lower()]))]
    if len(run) == 1:
        return [Token("word" if in_text and run not in {"e", "i"} else "letter", run)]
    return [Token("letter", each) for each in run] if _is_product(run, in_text) else [_word(found)]


def _is_product(run: str, in_text: bool) -> bool:
    """Whether a run of letters is a product of them, rather than a word."""
    word = in_text or run.isupper() or not run.isascii() or run.startswith(GLUED)
    return len(run) <= PRODUCT and not (word or run.lower() in SHORT_WORDS or units.known(run))


def _word(found: re.Match[str]) -> Token:
    return Token("word", found[0])


def _sign(found: re.Match[str], _: bool) -> list[Token]:
    sign = "±" if "/" in found[0] and len(found[0]) > 1 else found[0]
    return [Token("sign", PLAIN_SIGNS.get(sign, sign))]


RULES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], bool], list[Token]]], ...]] = (
    (BLACKBOARD, lambda found, _: [Token("set", found[1] or found[2])]),
    (ENVIRONMENT, lambda found, _: [Token("environment", f"{found[1]} {found[2]}")]),
    (COMMAND, _command),
    (COMPOUND, _compound),
    (NOUN, lambda found, _: [_word(found)]),
    (LETTERS, _letters),
    (SIGN, _sign),
)
"""What a token looks like, in the order of trying, and how it is made."""
