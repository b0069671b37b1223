"""Sets of real numbers: intervals, finite sets, unions, and what inequalities describe."""

from __future__ import annotations

from functools import reduce
from typing import Final

import sympy

from pipelines.sandbox.maths.forms import (
    Expression,
    Form,
    Group,
    Joined,
    Named,
    Relation,
    SetOf,
    Several,
    Text,
    Value,
)
from pipelines.sandbox.maths.outcomes import RIGHT, WRONG, Verdict, unknown

BELOW: Final = ("<", "<=")
ABOVE: Final = (">", ">=")
PAIR: Final = 2


def same(truth: Form, answer: Form) -> Verdict | None:
    """Compare two forms as sets of real numbers; None: one of them is no such set."""
    if isinstance(truth, Named) and isinstance(answer, Named):
        return RIGHT if truth.name == answer.name else WRONG
    if {type(truth), type(answer)} == {Group, SetOf}:
        return unknown("a tuple or an interval beside a set")
    mine, other = as_set(truth), as_set(answer)
    if mine is None or other is None:
        return None
    if mine == other:
        return RIGHT
    left = [sympy.Complement(*pair) for pair in ((mine, other), (other, mine))]
    if all(each is sympy.S.EmptySet for each in left):
        return RIGHT
    return WRONG if any(each.is_empty is False for each in left) else unknown("two sets")


def as_set(form: Form) -> Expression | None:
    """The set of real numbers that a form describes; None: it describes none."""
    if isinstance(form, Named):
        return sympy.S.Reals if form.name == "reals" else None
    if isinstance(form, SetOf):
        numbers = [_real(each) for each in form.items]
        return None if None in numbers else sympy.FiniteSet(*numbers)
    if isinstance(form, Group):
        return _interval(form)
    if isinstance(form, Joined):
        return _joined(form)
    if isinstance(form, Relation):
        return _described(form)
    return _system(form) if isinstance(form, Several) else None


def _real(form: Form) -> Expression | None:
    """A real number or an infinity; None: the form is neither."""
    if not isinstance(form, Value) or form.unit is not None or form.base is not None:
        return None
    return (
        form.expression
        if form.expression.is_extended_real and not form.expression.free_symbols
        else None
    )


def is_interval(form: Group) -> bool:
    """Whether brackets can only be those of an interval: of two kinds, or beside an infinity."""
    infinite = any(_real(each) in {sympy.oo, -sympy.oo} for each in form.items)
    kinds = (form.opening, form.closing)
    return len(form.items) == PAIR and (infinite or kinds in {("(", "]"), ("[", ")")})


def _interval(form: Group) -> Expression | None:
    if len(form.items) != PAIR or form.opening not in {"(", "["}:
        return None
    low, high = (_real(each) for each in form.items)
    if low is None or high is None or (low < high) != True:  # noqa: E712  a relation of SymPy
        return None
    return sympy.Interval(low, high, form.opening == "(", form.closing == ")")


def _joined(form: Joined) -> Expression | None:
    found = as_set(form.first)
    for operator, right in form.rest:
        other = as_set(right)
        if found is None or other is None:
            return None
        found = sympy.Union(found, other) if operator == "union" else sympy.Complement(found, other)
    return found


def letter(form: Form) -> str | None:
    """The one letter that an equation or inequality is solved for; None: it is not solved."""
    if not isinstance(form, Relation):
        return None
    names = [_letter(each) for each in form.sides]
    found = [name for name in names if name is not None]
    values = [side for side, name in zip(form.sides, names, strict=True) if name is None]
    solved = len(found) == 1 and (form.operators == ("in",) or all(map(_is_number, values)))
    return found[0] if solved else None


def _is_number(form: Form) -> bool:
    return _real(form) is not None


def _letter(form: Form) -> str | None:
    if isinstance(form, Text):
        return form.words
    symbol = isinstance(form, Value) and form.unit is None and form.expression.is_Symbol
    return str(form.expression) if symbol and isinstance(form, Value) else None


def _described(form: Relation) -> Expression | None:
    """The numbers that satisfy a relation that is solved for one letter."""
    if letter(form) is None:
        return None
    if form.operators == ("in",):
        return as_set(form.sides[1])
    at = next(at for at, side in enumerate(form.sides) if _letter(side) is not None)
    parts = []
    for place, operator in enumerate(form.operators):
        if place not in {at - 1, at}:
            return None
        other = form.sides[place if place == at - 1 else place + 1]
        parts.append(_ray(operator, _real(other), letter_first=place == at))
    return None if None in parts else sympy.Intersection(*parts)


def _ray(operator: str, bound: Expression, *, letter_first: bool) -> Expression | None:
    """The numbers on one side of a bound, or beside it, or it alone."""
    if operator == "=":
        return sympy.FiniteSet(bound)
    if operator == "!=":
        return sympy.Complement(sympy.S.Reals, sympy.FiniteSet(bound))
    if operator not in (*BELOW, *ABOVE):
        return None
    strict = operator in {"<", ">"}
    if (operator in BELOW) == letter_first:
        return sympy.Interval(-sympy.oo, bound, True, strict)
    return sympy.Interval(bound, sympy.oo, strict, True)


def _system(form: Several) -> Expression | None:
    """Relations for one letter, joined by `and` or `or`."""
    letters = {letter(each) for each in form.items}
    parts = [as_set(each) for each in form.items]
    if len(letters) != 1 or None in letters or None in parts or form.joiner not in {"and", "or"}:
        return None
    join = sympy.Union if form.joiner == "or" else sympy.Intersection
    return reduce(join, parts)


def letters(form: Form) -> set[str]:
    """The letters that a form's relations are solved for."""
    items = form.items if isinstance(form, Several) else (form,)
    return {name for name in map(letter, items) if name is not None}
