"""Answers as forms: lists, sets, intervals, tuples, matrices, relations, choices, words, values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipelines.sandbox.maths import extraction, surroundings
from pipelines.sandbox.maths.forms import (
    Choice,
    Form,
    Group,
    Joined,
    Matrix,
    Named,
    Notes,
    Options,
    Ratio,
    Relation,
    SetOf,
    Several,
    Text,
    UnreadableError,
    Value,
)
from pipelines.sandbox.maths.quantities import quantity
from pipelines.sandbox.maths.stream import closing, split
from pipelines.sandbox.maths.tokens import Token, tokenize
from pipelines.sandbox.maths.vocabulary import ARTICLES, EVERYTHING, GREEK, MULTIPLIERS, NOTHING

MAX_ITEMS: Final = 60
"""Values in a list, a tuple or a matrix."""
RELATIONS: Final = ("=", "~", "<", "<=", ">", ">=", "!=")
SETS: Final = {"R": "reals", "Z": "integers", "N": "naturals", "Q": "rationals", "C": "complexes"}
OPENING: Final = (
    ("sign", "("),
    ("sign", "["),
    ("sign", "{"),
    ("command", "{"),
    ("command", "langle"),
)
OPERATORS: Final = {"cup": "union", "setminus": "difference"}
LETTERS: Final = frozenset("ABCDEFGHIJ")
MATHS: Final = re.compile(r"(?<!\\)\$(?=\S)((?:\\\$|[^$])*?)(?<=[^\s\\])\$(?![0-9])")


def read(text: str, options: Options) -> tuple[Form, Notes]:
    """The answer in a text, and which options made a difference.

    Raises:
        UnreadableError: not all of it can be read.
        NoValueError: it has no value.
    """
    notes = Notes(options)
    return form(tokens_of(text, notes), notes), notes


def tokens_of(text: str, notes: Notes) -> list[Token]:
    """The tokens of the answer in a text.

    Raises:
        UnreadableError: not all of it can be read.
    """
    found = extraction.answer(text, notes).replace("$$", " ")
    return tokenize(MATHS.sub(r" \1 ", found), notes)


def form(tokens: Sequence[Token], notes: Notes) -> Form:
    """A list, or what is no list."""
    pieces, between = split(_with_unions(tokens), _separates)
    items = [each for each in pieces if each]
    joiners = {token.text for token in between} - {",", ";"} or {","}
    doubled = [at for at, each in enumerate(pieces) if not each]
    if any(not _comma_and(between, at) for at in doubled):
        raise UnreadableError("a value is missing" if items else "it is empty")
    if len(items) > MAX_ITEMS:
        raise UnreadableError(f"it lists more than {MAX_ITEMS} values")
    if len(items) == 1:
        return _one(items[0], notes)
    if items[0][-1].text in MULTIPLIERS:
        raise UnreadableError("it is a list or a number in words")
    joiner = joiners.pop() if len(joiners) == 1 else ","
    return Several(tuple(_one(each, notes) for each in items), joiner)


def _comma_and(between: Sequence[Token], at: int) -> bool:
    """Whether nothing stands at a place because of `, and`."""
    return (
        0 < at < len(between) and between[at - 1].text == "," and between[at].text in {"and", "or"}
    )


def _separates(token: Token) -> bool:
    if token.kind == "word":
        return token.text in {"and", "or"}
    return token.kind == "sign" and token.text in {",", ";"}


def _with_unions(tokens: Sequence[Token]) -> list[Token]:
    """Tokens in which a U between brackets is a union."""
    found = list(tokens)
    for at in range(1, len(found) - 1):
        before, after = found[at - 1].text, found[at + 1].text
        if found[at].text == "U" and before in {")", "]", "}"} and after in {"(", "[", "{"}:
            found[at] = Token("command", "cup")
    return found


def _one(tokens: Sequence[Token], notes: Notes) -> Form:
    """A relation, or what is none."""
    pieces, between = split(tokens, _relates)
    operators = tuple("in" if token.kind == "command" else token.text for token in between)
    if not operators:
        return _side(tokens, notes)
    if not all(pieces[1:]) or not (pieces[0] or operators[0] in {"=", "~"}):
        raise UnreadableError("a side of a relation is missing")
    if not pieces[0]:
        pieces, operators = pieces[1:], operators[1:]
        return _one(pieces[0], notes) if not operators else _relation(pieces, operators, notes)
    return _relation(pieces, operators, notes)


def _relates(token: Token) -> bool:
    return (token.kind == "sign" and token.text in RELATIONS) or (token.kind, token.text) == (
        "command",
        "in",
    )


def _relation(
    pieces: Sequence[Sequence[Token]], operators: tuple[str, ...], notes: Notes
) -> Relation:
    name = _name(pieces[0]) if operators[0] in {"=", "~", "in"} else None
    first: Form = Text(name) if name is not None else _side(pieces[0], notes)
    return Relation((first, *(_side(each, notes) for each in pieces[1:])), operators, name)


def _name(tokens: Sequence[Token]) -> str | None:
    """What tokens name if they name something: x, x_1, f(x), (x,y), Area."""
    texts = [token.text for token in tokens]
    kinds = [token.kind for token in tokens]
    if all(kind == "word" for kind in kinds):
        words = " ".join(texts)
        return None if surroundings.denies(words) else words
    if _are_letters(tokens):
        return "".join(texts)
    if kinds == ["command"] and texts[0] in GREEK:
        return f"\\{texts[0]}"
    if kinds[0] != "letter" or texts[0] in {"e", "i"}:
        return None
    if _are_letters(tokens[1:]):
        return "".join(texts)
    indexed = texts[1:2] in ([], ["_"]) and len(tokens) <= len("x_{12}")
    return "".join(text for text in texts if text not in {"{", "}"}) if indexed else None


def _are_letters(tokens: Sequence[Token]) -> bool:
    """Whether tokens are letters in brackets, such as (x,y)."""
    texts = [token.text for token in tokens]
    letters = {token.kind for token in tokens[1:-1:2]} == {"letter"}
    return letters and texts[0] == "(" and texts[-1] == ")" and set(texts[2:-1:2]) <= {","}


def _side(tokens: Sequence[Token], notes: Notes) -> Form:
    """A set, a matrix, a choice, something in brackets, a ratio, words or a value."""
    if not tokens:
        raise UnreadableError("a value is missing")
    for reader in (_joined, _named_set, _matrix, _choice, _bracketed, _ratio, _words):
        found = reader(tokens, notes)
        if found is not None:
            return found
    return quantity(tokens, notes)


def _joined(tokens: Sequence[Token], notes: Notes) -> Form | None:
    blackboard = tokens[0].kind == "set"
    pieces, between = split(
        tokens,
        lambda token: (
            (token.kind == "command" and token.text in OPERATORS)
            or (blackboard and (token.kind, token.text) == ("sign", "-"))
        ),
    )
    if not between:
        return None
    first, *rest = (_side(each, notes) for each in pieces)
    names = (OPERATORS.get(token.text, "difference") for token in between)
    return Joined(first, tuple(zip(names, rest, strict=True)))


def _named_set(tokens: Sequence[Token], notes: Notes) -> Form | None:  # noqa: ARG001  as the others
    if len(tokens) != 1:
        return None
    if tokens[0].kind == "set":
        return Named(SETS[tokens[0].text])
    return SetOf(()) if (tokens[0].kind, tokens[0].text) == ("command", "emptyset") else None


def _matrix(tokens: Sequence[Token], notes: Notes) -> Form | None:
    if len(tokens) > 2 and tokens[0].text in {"(", "["} and tokens[1].kind == "environment":  # noqa: PLR2004
        tokens = tokens[1:-1]
    if tokens[0].kind != "environment":
        return None
    inner, last = list(tokens[1:-1]), tokens[-1]
    name = tokens[0].text.removeprefix("begin ")
    if last.text != f"end {name}" or name in {"vmatrix", "Vmatrix"}:
        raise UnreadableError("a matrix is not readable")
    if any(token.kind == "environment" for token in inner):
        raise UnreadableError("matrices within each other are not readable")
    lines, _ = split(inner, lambda token: (token.kind, token.text) == ("command", "\\"))
    lines = lines[:-1] if not lines[-1] else lines
    rows = [split(line, lambda token: token.text == "&")[0] for line in lines]
    if len({len(row) for row in rows}) != 1 or sum(map(len, rows)) > MAX_ITEMS:
        raise UnreadableError("a matrix is not readable")
    return Matrix(tuple(tuple(_side(each, notes) for each in row) for row in rows))


def _choice(tokens: Sequence[Token], notes: Notes) -> Form | None:
    """A letter in brackets or before a colon or full stop, with or without its value."""
    if tokens[0].text.lower() in {"option", "choice"}:
        tokens = tokens[1:]
        if len(tokens) == 1 and tokens[0].text in LETTERS:
            return Choice(tokens[0].text)
    texts = [token.text for token in tokens]
    if texts[:1] == ["("] and texts[2:3] == [")"] and texts[1] in LETTERS:
        letter, rest = texts[1], tokens[3:]
    elif texts[0:1] and texts[0] in LETTERS and texts[1:2] in ([":"], ["."]):
        letter, rest = texts[0], tokens[2:]
    else:
        return None
    if not rest:
        return Choice(letter)
    value = _side(rest, notes)
    if rest[0].text in {"+", "-", "*", "/", "^", "!", "("} or isinstance(value, Choice):
        raise UnreadableError("it is a choice or a product")
    return Choice(letter, value)


def _bracketed(tokens: Sequence[Token], notes: Notes) -> Form | None:
    opening = (tokens[0].kind, tokens[0].text)
    if opening not in OPENING or closing(tokens, 0) != len(tokens) - 1:
        return None
    pieces, between = split(tokens[1:-1], lambda token: token.text in {",", ";"})
    if opening == ("command", "{") and tokens[1:-1] == []:
        return SetOf(())
    if not between and opening != ("command", "{"):
        return None
    if len(pieces) > MAX_ITEMS:
        raise UnreadableError(f"it lists more than {MAX_ITEMS} values")
    items = tuple(_side(each, notes) for each in pieces)
    if "{" in opening:
        return SetOf(items)
    return Group(tokens[0].text, tokens[-1].text, items)


def _ratio(tokens: Sequence[Token], notes: Notes) -> Form | None:
    pieces, between = split(tokens, lambda token: token.text == ":")
    if not between:
        return None
    parts = [quantity(each, notes) for each in pieces]
    found = tuple(part for part in parts if isinstance(part, Value))
    if len(found) < len(parts):
        raise UnreadableError("a ratio is not readable")
    return Ratio(found)


def _words(tokens: Sequence[Token], notes: Notes) -> Form | None:  # noqa: ARG001  as the others
    named = any(token.kind == "word" and len(token.text) > 1 for token in tokens)
    if not named or any(token.kind not in {"word", "letter"} for token in tokens):
        return None
    texts = [token.text.casefold() for token in tokens]
    while len(texts) > 1 and texts[0] in ARTICLES:
        texts = texts[1:]
    words = " ".join(texts)
    if words in NOTHING:
        return SetOf(())
    return Named("reals") if words in EVERYTHING else Text(words)
