"""Compare two numbers or expressions with their units."""

from __future__ import annotations

from typing import Final

import sympy

from pipelines.sandbox.maths import units
from pipelines.sandbox.maths.equality import equal, renamed, rounded
from pipelines.sandbox.maths.forms import Expression, Unit, Value
from pipelines.sandbox.maths.outcomes import RIGHT, WRONG, Verdict, unknown

ROUNDED_PLACES: Final = 2
"""Digits after the point from which on a decimal number may be a rounded one."""
AS_NUMBERS: Final = {"percent": sympy.Rational(1, 100), "degree": sympy.pi / 180}
"""What units of numbers and angles are as plain numbers."""
ONE_UNIT: Final = unknown("only one of both names a unit")


def same(truth: Value, answer: Value) -> Verdict:
    """Compare two values."""
    if truth.base != answer.base:
        return unknown("only one of both names this numeral system")
    if truth.unit is None and answer.unit is None:
        return _expressions(truth, answer)
    if truth.unit is not None and answer.unit is not None:
        return _quantities(truth, truth.unit, answer, answer.unit)
    named, plain = (truth, answer) if truth.unit is not None else (answer, truth)
    return _one_unit(named, named.unit or Unit({}), plain)


def _expressions(truth: Value, answer: Value) -> Verdict:
    """Compare two expressions without their units."""
    first, second = truth.expression, answer.expression
    found = equal(first, second)
    if found:
        return RIGHT
    if found is None:
        return unknown("whether they are equal was not found out")
    places = [each.places for each in (truth, answer) if each.places is not None]
    if places and max(places) >= ROUNDED_PLACES and rounded(first, second, min(places)):
        return unknown("equal only after rounding")
    if not (first.is_Symbol and second.is_Symbol) and renamed(first, second):
        return unknown("equal but for the name of a letter")
    if _small(first) == _small(second):
        return unknown("equal but for small and capital letters")
    return WRONG


def _small(expression: Expression) -> Expression:
    """An expression with small letters."""
    letters = {each: sympy.Symbol(str(each).lower(), real=True) for each in expression.free_symbols}
    return expression.xreplace(letters)


def _quantities(truth: Value, mine: Unit, answer: Value, other: Unit) -> Verdict:
    """Compare two values that both have a unit."""
    if dict(mine.dimensions) == dict(other.dimensions):
        return _expressions(_scaled(truth, mine), _scaled(answer, other))
    if mine.known and other.known and mine.dimensions and other.dimensions:
        return Verdict(False, "another unit")
    return unknown("other words behind the number")


def _scaled(value: Value, unit: Unit) -> Value:
    """A value in base units."""
    factor = sympy.Rational(unit.factor.numerator, unit.factor.denominator)
    return Value(value.expression * factor, None, value.places if factor == 1 else None)


def _one_unit(named: Value, unit: Unit, plain: Value) -> Verdict:
    """Compare a value with a unit and one without."""
    number = _as_number(named, unit)
    if number is not None and (found := _expressions(number, plain)).correct is not False:
        return found
    return ONE_UNIT if not unit.known or _in_some_unit(named, unit, plain) else WRONG


def _as_number(value: Value, unit: Unit) -> Value | None:
    """A percentage or an angle as a plain number; None of other units."""
    dimensions = dict(unit.dimensions)
    if not dimensions:
        return Value(value.expression, None, value.places)
    factor = AS_NUMBERS.get(next(iter(dimensions)))
    alone = len(dimensions) == 1 and 1 in dimensions.values()
    return Value(value.expression * factor) if alone and factor is not None else None


def _in_some_unit(named: Value, unit: Unit, plain: Value) -> bool:
    """Whether the plain number may be the value, in its own unit or in another one of its kind."""
    mine = _scaled(named, unit)
    own = [each for each in units.KNOWN.values() if each.dimensions == unit.dimensions]
    candidates = [_scaled(plain, each) for each in (unit, *own)]
    pairs = [(mine, each) for each in candidates]
    pairs.append((Value(named.expression, None, named.places), plain))
    return any(_expressions(*pair).correct is not False for pair in pairs)
