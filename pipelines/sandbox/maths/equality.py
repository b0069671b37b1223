"""Are two expressions equal? Proved, refuted, or unknown.

They are unequal where their values differ at a point at which both are real, beyond the error of
the computation. They are equal where their difference is simplified to zero, or is an algebraic
number whose minimal polynomial is x; a difference that only computes to zero proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sympy

from pipelines.sandbox.maths.forms import Expression

DIGITS: Final = 50
"""Significant digits of computed values."""
CLOSE: Final = sympy.Float("1e-30", DIGITS)
"""Relative difference up to which computed values may be those of equal expressions."""
POINTS: Final = ("7/5", "11/3", "-13/4", "5/7", "-2/9", "29/11", "3", "2", "-17/6")
"""Values of the letters; each letter begins with another one."""


def equal(first: Expression, second: Expression) -> bool | None:
    """Whether two expressions are equal; None: unknown."""
    if not (_finite(first) and _finite(second)):
        return _infinite(first, second)
    if first == second:
        return True
    if (difference := first - second).is_Rational:
        return bool(difference == 0)
    seen = list(_differences(first, second))
    if False in seen:
        return False
    if None in seen or True not in seen:
        return None
    return _zero(difference)


def _finite(expression: Expression) -> bool:
    return not expression.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan)


def _infinite(first: Expression, second: Expression) -> bool | None:
    signs = {sympy.oo, -sympy.oo}
    if first in signs or second in signs:
        known = all(each in signs or each.is_Rational for each in (first, second))
        return bool(first == second) if known or first == second else None
    return None


def _differences(first: Expression, second: Expression) -> Iterator[bool | None]:
    """For each point: False where values differ, True where not, None where only one is real."""
    letters = sorted(first.free_symbols | second.free_symbols, key=str)
    points = len(POINTS) if letters else 1
    for point in range(points):
        values = {
            letter: sympy.Rational(POINTS[(point + 4 * at) % len(POINTS)])
            for at, letter in enumerate(letters)
        }
        found = [_at(each, values) for each in (first, second)]
        if None in found:
            continue  # no value there
        yield _same(*found, letters=bool(letters))


def _at(expression: Expression, values: dict[Expression, Expression]) -> Expression | None:
    """The value at a point; None where there is none."""
    value = expression.subs(values).evalf(DIGITS, maxn=10 * DIGITS)
    return value if value.is_number and _finite(value) and _computed(value) else None


def _computed(value: Expression) -> bool:
    return all(part.is_Float or part.is_Rational for part in value.as_real_imag())


def _same(first: Expression, second: Expression, *, letters: bool) -> bool | None:
    scale = max(abs(first), abs(second), sympy.Float(1))
    same = bool(abs(first - second) <= CLOSE * scale)
    real = [each.is_real is True for each in (first, second)]
    if same:
        return True
    return None if letters and not all(real) else False


def _zero(difference: Expression) -> bool | None:
    """Whether a difference that computes to zero is zero; None: unknown."""
    if sympy.expand(difference) == 0 or sympy.simplify(difference) == 0:
        return True
    if difference.free_symbols:
        expanded = sympy.expand(difference, func=True, trig=True)
        return True if sympy.simplify(expanded) == 0 else None
    if difference.is_algebraic:
        unknown = sympy.Symbol("x")
        return bool(sympy.minimal_polynomial(difference, unknown) == unknown)
    return None


def renamed(first: Expression, second: Expression) -> bool:
    """Whether two expressions are equal but for the name of one letter."""
    mine, other = first.free_symbols, second.free_symbols
    only, instead = mine - other, other - mine
    if len(only) != 1 or len(instead) != 1:
        return False
    return equal(first.subs(only.pop(), instead.pop()), second) is True


def rounded(first: Expression, second: Expression, places: int) -> bool:
    """Whether the first is the second rounded to so many digits after the point."""
    if first.free_symbols or second.free_symbols:
        return False
    difference = abs(first - second).evalf(DIGITS)
    return bool(
        difference.is_Float and difference <= sympy.Rational(1, 2) * sympy.Integer(10) ** -places
    )
