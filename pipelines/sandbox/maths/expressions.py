r"""Tokens to a SymPy expression: a grammar of LaTeX and plain notation that drops nothing.

    sum      = [+|-|±] product {(+|-|±) product}
    product  = factors {(* | /) factors}
    factors  = power {power}                 beside each other: multiplied
    power    = atom {! | degree} [^ exponent]
    atom     = number | mixed number | letter[_index] | function | \frac… | bracket | |sum|

What is ambiguous is refused, or read as `Options` say and noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sympy

from pipelines.sandbox.maths import functions, powers
from pipelines.sandbox.maths.forms import Expression, Notes, UnreadableError
from pipelines.sandbox.maths.stream import Stream
from pipelines.sandbox.maths.tokens import Token
from pipelines.sandbox.maths.vocabulary import FUNCTIONS, GREEK

FRACTIONS: Final = frozenset({"frac", "binom"})
UNDEFINED: Final = frozenset("fghFG")
"""Letters that before a bracket name a function which nobody defined."""
COUNTING: Final = frozenset("ACP")
"""Letters that with two numbers at them count combinations or permutations."""
CLOSED: Final = ("(", "{")


def expression(tokens: Sequence[Token], notes: Notes, plus_minus: int = 1) -> Expression:
    """The expression that all of these tokens are.

    Raises:
        UnreadableError: they are none, or an ambiguous one.
        NoValueError: it has no value.
    """
    return whole(Stream(tokens, notes, plus_minus))


def whole(stream: Stream) -> Expression:
    """The expression that all of a stream is."""
    found = _sum(stream)
    if (rest := stream.peek()) is not None:
        raise UnreadableError(f"{rest.text[:20]!a} is not expected there")
    return found


def _sum(stream: Stream) -> Expression:
    total = sympy.Integer(0)
    sign = _signed(stream)
    while True:
        total += sign * _product(stream)
        if not _at_sign(stream):
            return total
        sign = _signed(stream)


def _at_sign(stream: Stream) -> bool:
    return stream.is_sign("+", "-", "±") or stream.is_command("pm", "mp")


def _signed(stream: Stream) -> int:
    """The sign at the place, 1 without one."""
    if not _at_sign(stream):
        return 1
    text = stream.take().text
    if text == "+" and stream.is_sign("-") and stream.at == 1:
        stream.take()
        text = "pm"
    if _at_sign(stream):
        raise UnreadableError("two signs follow each other")
    if text in {"+", "-"}:
        return 1 if text == "+" else -1
    stream.notes.plus_minus += 1
    return -stream.plus_minus if text == "mp" else stream.plus_minus


def _product(stream: Stream) -> Expression:
    value = _factors(stream, stream.notes.options.tight)
    while stream.is_sign("*", "/") or _starts(stream):
        if not stream.is_sign("*", "/"):
            value *= _power(stream)
            continue
        slash = stream.take().text == "/"
        sign = -1 if stream.is_sign("-") else 1
        if stream.is_sign("-", "+"):
            stream.take()
        right = sign * _factors(stream, stream.notes.options.tight, after_slash=slash)
        if slash and stream.is_sign("/"):
            raise UnreadableError("two slashes follow each other")
        value = powers.quotient(value, right) if slash else value * right
    return value


def _factors(stream: Stream, tight: bool, *, after_slash: bool = False) -> Expression:
    """Factors beside each other; below a slash only the first where `tight` is not set."""
    value = _power(stream)
    while _starts(stream):
        if after_slash:
            stream.notes.slash = True
            if not tight:
                return value
        value *= _power(stream)
    return value


def _starts(stream: Stream) -> bool:
    """Whether the next token can be multiplied with what is before it without a sign."""
    token = stream.peek()
    if token is None:
        return False
    if token.kind == "sign":
        return token.text in CLOSED or (token.text == "|" and not stream.in_bars)
    if token.kind == "word":
        return len(token.text) == 1
    return token.kind == "letter" or (
        token.kind == "command"
        and (token.text in GREEK | FUNCTIONS | FRACTIONS | {"pi", "lfloor", "lceil"})
    )


def _power(stream: Stream) -> Expression:
    base = _atom(stream)
    before = stream.at
    base = _postfix(stream, base)
    if not stream.is_sign("^"):
        return base
    if stream.at > before:
        raise UnreadableError("a power of a factorial needs brackets")
    stream.take()
    if functions.is_degree(stream):
        return functions.degrees(stream, base)
    return powers.power(base, _exponent(stream))


def _postfix(stream: Stream, value: Expression) -> Expression:
    while stream.is_sign("!"):
        stream.take()
        double = stream.is_sign("!")
        if double:
            stream.take()
        if stream.is_sign("!"):
            raise UnreadableError("three factorial signs follow each other")
        value = powers.factorial(value, double=double)
    return value


def _exponent(stream: Stream) -> Expression:
    """In braces, or a sign and one atom, which may have a power of its own."""
    if stream.is_sign("{"):
        return whole(stream.inner())
    sign = -1 if stream.is_sign("-") else 1
    if stream.is_sign("-", "+"):
        stream.take()
    token = stream.peek()
    if token is None or token.kind != "number":
        value = _power(stream)
        if stream.tokens[stream.at - 1].text == "!":
            raise UnreadableError("what belongs to an exponent is not clear without brackets")
        return sign * value
    stream.take()
    after = stream.peek(1)
    if stream.is_sign("!") or (
        stream.is_sign("/") and token.text == "1" and after is not None and after.kind == "number"
    ):
        raise UnreadableError("what belongs to an exponent is not clear without brackets")
    value = powers.number(token.text)
    if stream.is_sign("^"):
        stream.take()
        value = powers.power(value, _exponent(stream))
    return sign * value


def _atom(stream: Stream) -> Expression:
    token = stream.take()
    if token.kind == "number":
        return _number(stream, token)
    if token.kind == "letter" or (token.kind == "word" and len(token.text) == 1):
        return _letter(stream, token)
    if token.kind == "command":
        return _command(stream, token)
    if token.kind == "sign" and token.text in {*CLOSED, "|"}:
        stream.at -= 1
        return _bars(stream) if token.text == "|" else _bracket(stream)
    raise UnreadableError(f"{token.text[:20]!a} is not expected there")


def _bracket(stream: Stream) -> Expression:
    braces = stream.is_sign("{")
    inner = stream.inner()
    return functions.over(inner, whole) if braces else whole(inner)


def _bars(stream: Stream) -> Expression:
    """An absolute value."""
    stream.take()
    if stream.in_bars:
        raise UnreadableError("absolute values within each other are ambiguous")
    stream.in_bars = True
    value = _sum(stream)
    stream.in_bars = False
    stream.expect("|")
    return sympy.Abs(value)


def _number(stream: Stream, token: Token) -> Expression:
    value = powers.number(token.text)
    if stream.is_sign("_"):
        raise UnreadableError("a numeral of another base is no part of an expression")
    below = stream.at > 1 and stream.tokens[stream.at - 2].text == "/"
    fraction = functions.mixed(stream, value)
    if fraction is None:
        return value
    if not 0 < fraction < 1 or below or _starts(stream) or stream.is_sign("^", "!", "/"):
        raise UnreadableError("a number and a fraction beside each other are ambiguous")
    return value + fraction


def _letter(stream: Stream, token: Token) -> Expression:
    name = token.text
    if stream.is_sign("_"):
        index = functions.index(stream)
        if name in COUNTING and index.isdigit() and stream.is_sign("^"):
            raise UnreadableError("it is a binomial coefficient or a power")
        name += f"_{index}"
    elif name in UNDEFINED and stream.is_sign("("):
        raise UnreadableError("a function is not defined")
    elif (following := stream.peek()) is not None and following.kind == "number":
        raise UnreadableError("a number follows a letter")
    if not name.isascii():
        raise UnreadableError("it holds a letter of another script")
    constants = {"e": sympy.E, "i": sympy.I}
    return constants[name] if name in constants else sympy.Symbol(name, real=True)


def _command(stream: Stream, token: Token) -> Expression:
    name = token.text
    if name == "pi":
        return sympy.pi
    if name in GREEK:
        return _letter(stream, Token("letter", f"\\{name}"))
    if name in FRACTIONS:
        top, bottom = (functions.argument(stream, whole) for _ in range(2))
        return powers.quotient(top, bottom) if name == "frac" else powers.binomial(top, bottom)
    if name in FUNCTIONS:
        return functions.applied(stream, name, whole, _implicit)
    if name in {"lfloor", "lceil"}:
        stream.at -= 1
        rounded = sympy.floor if name == "lfloor" else sympy.ceiling
        return rounded(whole(stream.inner()))
    raise UnreadableError(f"the command \\{name[:20]} is not known")


def _implicit(stream: Stream) -> Expression:
    """An argument without brackets: what stands beside each other up to a function or a sign."""
    start = stream.at
    value = _power(stream)
    while _starts(stream) and not stream.is_command(*FUNCTIONS) and not stream.is_sign("(", "|"):
        value *= _power(stream)
    letters = sum(token.kind == "letter" for token in stream.tokens[start : stream.at])
    if stream.is_sign("/", "(", "|", "{") or letters > 1:
        raise UnreadableError("where an argument ends is not clear without brackets")
    return value
