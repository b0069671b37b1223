"""Parts of the grammar: functions and their arguments, fractions, mixed numbers, degrees."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, TypeAlias

import sympy

from pipelines.sandbox.maths import powers
from pipelines.sandbox.maths.forms import Expression, UnreadableError
from pipelines.sandbox.maths.stream import Stream
from pipelines.sandbox.maths.tokens import Token

Rule: TypeAlias = Callable[[Stream], Expression]
SIMPLE: Final = {
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sec": sympy.sec,
    "csc": sympy.csc,
    "cot": sympy.cot,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "ln": sympy.log,
    "exp": sympy.exp,
    "abs": sympy.Abs,
}
INVERSE: Final = {"sin": sympy.asin, "cos": sympy.acos, "tan": sympy.atan}


def applied(stream: Stream, name: str, whole: Rule, implicit: Rule) -> Expression:
    """A function with its argument, after its name was taken."""
    if name in {"sqrt", "surd"}:
        return _root(stream, name, whole)
    base = _log_base(stream, whole) if name == "log" else None
    exponent = _exponent(stream, whole)
    if stream.is_sign("(", "{"):
        argument_ = whole(stream.inner())
        if stream.is_sign("^"):
            raise UnreadableError("a power after an argument is ambiguous")
    else:
        argument_ = implicit(stream)
    if exponent == -1 and name in INVERSE:
        return INVERSE[name](argument_)
    if exponent is not None and not exponent.is_positive:
        raise UnreadableError("a negative power of a function is ambiguous")
    return powers.power(_value(name, argument_, base), exponent or sympy.Integer(1))


def _value(name: str, of: Expression, base: Expression) -> Expression:
    if name not in {"log", "ln"}:
        return SIMPLE[name](of)
    if of.is_zero or base == 1:
        raise powers.NoValueError("a logarithm has no value")
    return sympy.log(of) if base is None else sympy.log(of) / sympy.log(base)


def _log_base(stream: Stream, whole: Rule) -> Expression:
    if stream.is_sign("_"):
        stream.take()
        token = stream.peek()
        if token is not None and (token.kind, token.text) == ("number", "10"):
            stream.take()
            return sympy.Integer(10)
        return argument(stream, whole)
    stream.notes.log = True
    base = stream.notes.options.log_base
    return None if base is None else sympy.Integer(base)


def _exponent(stream: Stream, whole: Rule) -> Expression:
    """The power of a function before its argument, as in sin^2 x."""
    if not stream.is_sign("^"):
        return None
    stream.take()
    return argument(stream, whole)


def _root(stream: Stream, name: str, whole: Rule) -> Expression:
    degree = sympy.Integer(2)
    if stream.is_sign("["):
        degree = whole(stream.inner())
    if stream.is_sign("(", "{"):
        return powers.root(whole(stream.inner()), degree)
    token = stream.take()
    following = stream.peek()
    glued = following is not None and following.kind == "letter" and not following.spaced
    digits = name == "sqrt" and token.kind == "number" and len(token.text) > 1
    if glued or digits or (token.kind not in {"number", "letter"} and token.text != "pi"):
        raise UnreadableError("what stands below a root is not clear without brackets")
    return powers.root(whole(Stream([token], stream.notes, stream.plus_minus)), degree)


def argument(stream: Stream, whole: Rule) -> Expression:
    r"""An argument of a LaTeX command: braces, or one digit or letter, as in \frac12."""
    if stream.is_sign("{"):
        return whole(stream.inner())
    token = stream.take()
    if token.kind == "number" and token.text.isdigit() and len(token.text) > 1:
        rest = Token("number", token.text[1:])
        stream.tokens = [*stream.tokens[: stream.at], rest, *stream.tokens[stream.at :]]
        token = Token("number", token.text[0])
    if token.kind not in {"number", "letter"} and token.text not in {"pi", "theta"}:
        raise UnreadableError("braces are missing")
    return whole(Stream([token], stream.notes, stream.plus_minus))


def over(inner: Stream, whole: Rule) -> Expression:
    r"""What stands in braces: an expression, or two with \choose or \over between them."""
    for at, token in enumerate(inner.tokens):
        if token.kind == "command" and token.text in {"choose", "over"}:
            parts = (inner.tokens[:at], inner.tokens[at + 1 :])
            top, bottom = (whole(Stream(part, inner.notes, inner.plus_minus)) for part in parts)
            binomial = token.text == "choose"
            return powers.binomial(top, bottom) if binomial else powers.quotient(top, bottom)
    return whole(inner)


def mixed(stream: Stream, value: Expression) -> Expression | None:
    """The fraction that follows a whole number, as in 3 1/2; None where there is none."""
    tokens = [stream.peek(ahead) for ahead in range(3)]
    first = tokens[0]
    if first is None or not value.is_Integer:
        return None
    if first.kind == "number":
        slash, bottom = tokens[1], tokens[2]
        if slash is None or bottom is None or (slash.kind, slash.text) != ("sign", "/"):
            raise UnreadableError("two numbers follow each other")
        stream.at += 3
        return sympy.Rational(_whole(first), _whole(bottom) or 1)
    if first.kind != "command" or first.text != "frac":
        return None
    return _fraction(stream)


def _whole(token: Token) -> int:
    if token.kind != "number" or not token.text.isdigit():
        raise UnreadableError("a number and a fraction beside each other are ambiguous")
    return int(token.text)


def _fraction(stream: Stream) -> Expression | None:
    r"""The \frac at the place if it is one of whole numbers."""
    before, tokens = stream.at, stream.tokens
    stream.take()
    parts = [_digits(stream) for _ in range(2)]
    if None in parts:
        stream.at, stream.tokens = before, tokens
        return None
    top, bottom = (int(part or 0) for part in parts)
    if bottom == 0:
        raise powers.NoValueError("it divides by zero")
    return sympy.Rational(Fraction(top, bottom).numerator, Fraction(top, bottom).denominator)


def _digits(stream: Stream) -> str | None:
    """The next argument of a command if it is a whole number."""
    seen: list[str] = []

    def note(inner: Stream) -> Expression:
        if len(inner.tokens) == 1 and inner.tokens[0].kind == "number":
            seen.append(inner.tokens[0].text)
        return sympy.Integer(0)

    argument(stream, note)
    return seen[0] if seen and seen[0].isdigit() else None


def index(stream: Stream) -> str:
    """The index of a letter, as text."""
    stream.take()
    tokens = stream.inner().tokens if stream.is_sign("{") else [stream.take()]
    if not all(
        token.kind in {"number", "letter", "word"} or token.text in "+-" for token in tokens
    ):
        raise UnreadableError("an index is not readable")
    return "".join(token.text for token in tokens)


def is_degree(stream: Stream) -> bool:
    """Whether what follows ^ is a degree sign."""
    if stream.is_command("circ"):
        return True
    following = [stream.peek(ahead) for ahead in range(3)]
    texts = [(each.kind, each.text) for each in following if each is not None]
    return texts == [("sign", "{"), ("command", "circ"), ("sign", "}")]


def degrees(stream: Stream, value: Expression) -> Expression:
    """An angle in degrees as a number."""
    if stream.is_sign("{"):
        stream.inner()
    else:
        stream.take()
    stream.notes.degree = True
    return value * sympy.pi / 180 if stream.notes.options.degrees else value
