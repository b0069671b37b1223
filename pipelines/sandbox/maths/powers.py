"""Numbers and operations whose size is bounded before anything is computed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

import sympy

from pipelines.sandbox.maths.forms import Expression, UnreadableError

MAX_BITS: Final = 200_000
"""Size of a number that is computed."""
MAX_DIGITS: Final = 2000
MAX_SHIFT: Final = 5000
"""Exponent of ten of a number in scientific notation."""
MAX_FACTORIAL: Final = 5000
MAX_EXPONENT: Final = 100_000
DECIMAL: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?(?:~([0-9]+))?")


def number(text: str) -> sympy.Rational:
    """A number, exactly: 0.5 is 1/2. `0.1~6` repeats the 6.

    Raises:
        UnreadableError: it begins with zeros, as in dates, or is too long.
    """
    found = DECIMAL.fullmatch(text)
    if found is None or len(text) > MAX_DIGITS:
        raise UnreadableError("a number is too long")
    whole, part, shift, again = found.groups(default="")
    if len(whole) > 1 and whole.startswith("0"):
        raise UnreadableError("a number begins with 0")
    if abs(int(shift or 0)) > MAX_SHIFT:
        raise UnreadableError("a number is too large")
    value = Fraction(int(f"{whole}{part}" or 0), 10 ** len(part))
    if again:
        value += Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(part))
    value *= Fraction(10) ** int(shift or 0)
    return sympy.Rational(value.numerator, value.denominator)


def places(text: str) -> int | None:
    """Digits after the point of a decimal number; None of a whole or a repeating one."""
    found = DECIMAL.fullmatch(text)
    if found is None or found[4] or (found[2] is None and found[3] is None):
        return None
    return len(found[2] or "") - int(found[3] or 0)


def power(base: Expression, exponent: Expression) -> Expression:
    """A power.

    Raises:
        UnreadableError: it is too large, or has no agreed value, such as 0^0 or (-8)^(1/3).
    """
    if base.is_zero and not exponent.is_positive:
        raise UnreadableError("a power of zero has no value")
    if base.is_negative and exponent.is_integer is False:
        raise UnreadableError("a broken power of a negative number is ambiguous")
    if exponent.is_Rational:
        size = abs(int(exponent)) + 1
        bits = _bits(base)
        if size > MAX_EXPONENT or size * bits > MAX_BITS:
            raise UnreadableError("a power is too large")
    elif exponent.is_number and base.is_number and abs(exponent.evalf(10)) > MAX_EXPONENT:
        raise UnreadableError("a power is too large")
    return base**exponent


def _bits(value: Expression) -> int:
    if value.is_Rational:
        return max(int(value.p).bit_length(), int(value.q).bit_length())
    return max((_bits(part) for part in value.args), default=1)


def root(value: Expression, degree: Expression) -> Expression:
    """A root: of negative numbers the real one where the degree is odd.

    Raises:
        UnreadableError: the degree is no positive whole number.
    """
    if degree.is_Integer is not True and not degree.is_Symbol:
        raise UnreadableError("the degree of a root is no whole number")
    if degree.is_Integer and degree < 1:
        raise UnreadableError("the degree of a root is no positive number")
    if value.is_negative and degree.is_odd:
        return -sympy.root(-value, degree)
    return sympy.root(value, degree)


def quotient(top: Expression, bottom: Expression) -> Expression:
    """A quotient.

    Raises:
        NoValueError: it divides by zero.
    """
    if bottom.is_zero or (bottom.is_number and sympy.expand(bottom).is_zero):
        raise NoValueError("it divides by zero")
    return top / bottom


def factorial(value: Expression, *, double: bool = False) -> Expression:
    """N! or n!!.

    Raises:
        UnreadableError: of a number that is too large, or not whole.
    """
    if value.is_number and not (value.is_Integer and 0 <= value <= MAX_FACTORIAL):
        raise UnreadableError("a factorial is too large or not of a whole number")
    return sympy.factorial2(value) if double else sympy.factorial(value)


def binomial(top: Expression, bottom: Expression) -> Expression:
    """A binomial coefficient.

    Raises:
        UnreadableError: of a number that is too large.
    """
    if any(part.is_number and not abs(part) <= MAX_FACTORIAL for part in (top, bottom)):
        raise UnreadableError("a binomial coefficient is too large")
    return sympy.binomial(top, bottom)


class NoValueError(Exception):
    """What is read has no value, such as 0/0."""
