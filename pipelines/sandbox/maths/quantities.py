"""Numbers and expressions with what belongs to them: units, percent, degrees, ±, bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sympy

from pipelines.sandbox.maths import powers, units
from pipelines.sandbox.maths.expressions import expression
from pipelines.sandbox.maths.forms import Expression, Notes, Several, Unit, UnreadableError, Value
from pipelines.sandbox.maths.stream import levels
from pipelines.sandbox.maths.tokens import Token
from pipelines.sandbox.maths.vocabulary import FUNCTIONS, MULTIPLIERS

CURRENCIES: Final = {"$": "dollar", "euro": "euro", "sterling": "sterling", "yen": "yen"}
SIGNS: Final = {"%": "percent", "$": "dollar"}
SCALES: Final = {"C": "celsius", "F": "fahrenheit"}
CIRCLE: Final = r"\circ"
MAX_BASE: Final = 36


def quantity(tokens: Sequence[Token], notes: Notes) -> Value | Several:
    """A value with its unit, or the two values of one with ±.

    Raises:
        UnreadableError: a part of it is not read.
        NoValueError: it has no value.
    """
    number, before = _currency(tokens)
    end = _unit_start(number)
    factor, rest = _multiplier(number[end:])
    number, behind = _sign_behind(number[:end], rest)
    unit, more = (behind, ()) if behind is not None else _unit(rest)
    if before is not None and unit is not None:
        raise UnreadableError("it has two units")
    found = _both_signs(number, notes, factor, before or unit)
    return _added(found, quantity(more, notes)) if more else found


def _currency(tokens: Sequence[Token]) -> tuple[Sequence[Token], Unit | None]:
    """A currency before the number, with or without a sign before it."""
    at = 1 if tokens and tokens[0].kind == "sign" and tokens[0].text in {"-", "+"} else 0
    if at < len(tokens) - 1 and tokens[at].kind in {"sign", "word"}:
        name = CURRENCIES.get(tokens[at].text)
        if name is not None:
            return [*tokens[:at], *tokens[at + 1 :]], units.KNOWN[name]
    return tokens, None


def _unit_start(tokens: Sequence[Token]) -> int:
    """Where words begin after the number; the length where there are none."""
    for at, depth in levels(tokens):
        if depth == 0 and at > 0 and (_is_word(tokens[at]) or _is_spaced_unit(tokens, at)):
            return at
    return len(tokens)


def _is_word(token: Token) -> bool:
    return token.kind == "word" and (len(token.text) > 1 or token.text in units.KNOWN)


def _is_spaced_unit(tokens: Sequence[Token], at: int) -> bool:
    """Whether a letter is a unit by the space before it, as in 4 m and 9.8 m/s^2."""
    token, before, after = tokens[at], tokens[at - 1], tokens[at + 1 : at + 2]
    if token.kind != "letter" or not token.spaced or token.text not in units.LETTERS:
        return False
    if any(each.kind == "letter" for each in tokens[:at]) or before.text in set("+-*/^=_±"):
        return False
    return not after or after[0].text in {"^", "/"} or _is_word(after[0])


def _multiplier(rest: Sequence[Token]) -> tuple[int, Sequence[Token]]:
    """What words such as `thousand` multiply by, and what follows them."""
    factor = 1
    while rest and rest[0].kind == "word" and rest[0].text in MULTIPLIERS:
        factor *= MULTIPLIERS[rest[0].text]
        rest = rest[1:]
    return factor, rest


def _sign_behind(
    number: Sequence[Token], rest: Sequence[Token]
) -> tuple[Sequence[Token], Unit | None]:
    """The number without a percent, dollar or degree sign behind it, and what that sign means."""
    texts = [_named(token) for token in (*number, *rest)]
    if texts[-1:] and texts[-1] in SIGNS and not rest:
        return number[:-1], units.KNOWN[SIGNS[texts[-1]]]
    scale = SCALES.get(texts[-1]) if CIRCLE in texts[:-1] else None
    if scale is not None:
        texts.pop()
    elif rest:
        return number, None
    for mark in (["^", CIRCLE], ["^", "{", CIRCLE, "}"]):
        end = len(texts) - len(mark)
        if texts[end:] == mark and _lone(number[:end]):
            return number[:end], units.KNOWN[scale or "degree"]
    return number, None


def _named(token: Token) -> str:
    return f"\\{token.text}" if token.kind == "command" else token.text


def _lone(tokens: Sequence[Token]) -> bool:
    """Whether a degree sign after these tokens belongs to all of them: no sum of angles."""
    inside = [_named(tokens[at]) for at, depth in levels(tokens) if depth == 0]
    functions = any(token.kind == "command" and token.text in FUNCTIONS for token in tokens)
    return not (functions or {"+", "-", CIRCLE, "±", r"\pm", r"\mp"} & set(inside[1:]))


def _unit(rest: Sequence[Token]) -> tuple[Unit | None, Sequence[Token]]:
    """The unit that words name, and the tokens from the next number on."""
    if not rest:
        return None, ()
    for at in range(1, len(rest)):
        number = rest[at].kind == "number" and rest[at - 1].text not in {"^", "{", "-"}
        if number:
            return units.parse(_spelled(rest[:at])), rest[at:]
    return units.parse(_spelled(rest)), ()


def _spelled(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens)


def _added(first: Value | Several, second: Value | Several) -> Value:
    """A sum such as 5 feet 6 inches."""
    mine, other = _measured(first), _measured(second)
    if dict(mine[1].dimensions) != dict(other[1].dimensions):
        raise UnreadableError("units that do not fit follow each other")
    factor = other[1].factor / mine[1].factor
    added = other[0] * sympy.Rational(factor.numerator, factor.denominator)
    return Value(mine[0] + added, mine[1])


def _measured(part: Value | Several) -> tuple[Expression, Unit]:
    """A part of a sum and its unit."""
    if not isinstance(part, Value) or part.unit is None or not part.unit.known:
        raise UnreadableError("another number follows the unit")
    if not part.expression.is_nonnegative:
        raise UnreadableError("which part a sign belongs to is not clear")
    return part.expression, part.unit


def _both_signs(
    tokens: Sequence[Token], notes: Notes, factor: int, unit: Unit | None
) -> Value | Several:
    """The value of tokens, or the values of both signs of a ±."""
    before = notes.plus_minus
    first = _value(tokens, notes, 1)
    count = notes.plus_minus - before
    if count > 1:
        raise UnreadableError("which signs belong together is not clear")
    values = [first, _value(tokens, notes, -1)] if count else [first]
    scaled = tuple(
        Value(each.expression * factor, unit, each.places if factor == 1 else None, each.base)
        for each in values
    )
    return Several(scaled, "pm") if count else scaled[0]


def _value(tokens: Sequence[Token], notes: Notes, plus_minus: int) -> Value:
    signed = bool(tokens) and tokens[0].text in {"+", "-"}
    sign = -1 if signed and tokens[0].text == "-" else 1
    unsigned = tokens[1:] if signed else tokens
    texts = [_named(token) for token in unsigned]
    if texts == [r"\infty"]:
        return Value(sign * sympy.oo)
    if texts[1:2] == ["_"] and unsigned[0].kind == "number":
        numeral, base = _numeral(unsigned)
        return Value(sign * numeral, base=base)
    if len(texts) == 1 and unsigned[0].kind == "number" and texts[0].isdigit():
        return Value(sign * powers.number(texts[0].lstrip("0") or "0"))  # 007 alone is no date
    return Value(expression(tokens, notes, plus_minus), places=_places(unsigned))


def _places(tokens: Sequence[Token]) -> int | None:
    """Digits after the point of a decimal number, also of one times a power of ten."""
    if not tokens or tokens[0].kind != "number":
        return None
    places = powers.places(tokens[0].text)
    texts = [token.text for token in tokens[1:] if token.text not in {"{", "}"}]
    if not texts:
        return places
    if texts[:3] == ["*", "10", "^"] and "".join(texts[3:]).lstrip("-").isdigit():
        exponent = "".join(texts[3:])
        return (places or 0) - int(exponent) if len(exponent) <= len("-100") else None
    return None


def _numeral(tokens: Sequence[Token]) -> tuple[Expression, int]:
    """A numeral with its base as an index, such as 1010_2, and the base."""
    digits = tokens[0].text
    index = [token.text for token in tokens[2:] if token.text not in {"{", "}"}]
    base = int(index[0]) if index in [[str(each)] for each in range(2, MAX_BASE + 1)] else 0
    if not base or not digits.isdigit() or max(map(int, digits)) >= base:
        raise UnreadableError("a numeral with an index is not readable")
    return sympy.Integer(int(digits, base)), base
