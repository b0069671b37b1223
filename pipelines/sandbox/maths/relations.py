"""Do two equations or inequalities say the same, or an equation and a value?

An equation that is not solved is not the answer of one that is: whoever repeats the problem has not
answered it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import sympy

from pipelines.sandbox.maths import sets
from pipelines.sandbox.maths.equality import equal
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
from pipelines.sandbox.maths.outcomes import RIGHT, WRONG, Verdict, every, unknown

Compare: TypeAlias = Callable[[Form, Form], Verdict]
INEQUALITIES: Final = frozenset({"<", "<=", ">", ">=", "!="})
UNSOLVED: Final = unknown("an equation that is not solved")
UNSOLVED_INEQUALITY: Final = unknown("an inequality that is not solved")
PAIR: Final = 2


def same(truth: Form, answer: Form, compare: Compare) -> Verdict:
    """Compare two forms of which at least one is a relation."""
    if inequalities((truth, answer)):
        return systems(truth, answer)
    if contradicts(truth, compare) or contradicts(answer, compare):
        who = "answer" if contradicts(answer, compare) else "truth"
        says = f"the sides of the {who}'s equation differ"
        return Verdict(False, says) if who == "answer" else unknown(says)
    if isinstance(truth, Relation) and isinstance(answer, Relation):
        return _equations(truth, answer, compare)
    mine, other = (_value(each, compare) for each in (truth, answer))
    if mine is None or other is None:
        return UNSOLVED
    return _better(compare(mine, other), compare(_rounded(truth, mine), _rounded(answer, other)))


def _better(exact: Verdict, rounded: Verdict) -> Verdict:
    """The verdict on values, of which one may be given both exactly and rounded: 1/3 ≈ 0.33."""
    return rounded if rounded.correct and not exact.correct else exact


def _rounded(form: Form, value: Form) -> Form:
    """The rounded value of an equation that ends with one, otherwise its value."""
    rounds = isinstance(form, Relation) and form.operators[-1] == "~"
    return form.sides[-1] if isinstance(form, Relation) and rounds else value


def systems(truth: Form, answer: Form) -> Verdict:
    """Compare inequalities, or lists of them, with each other or with a set."""
    if len(sets.letters(truth) | sets.letters(answer)) > 1:
        return unknown("inequalities for other letters")
    if (found := sets.same(truth, answer)) is not None:
        return found
    if isinstance(truth, Relation) and isinstance(answer, Relation):
        return _multiples(truth, answer)
    set_like = (Group, Joined, Named, SetOf, Several)
    if any(isinstance(each, set_like) for each in (truth, answer)):
        return unknown("an inequality beside something else")
    return Verdict(False, "another kind of answer")


def inequalities(items: Sequence[Form]) -> bool:
    """Whether one of these forms, or of the values of a list, is an inequality."""
    return any(
        inequalities(each.items) if isinstance(each, Several) else _is_inequality(each)
        for each in items
    )


def _is_inequality(form: Form) -> bool:
    return isinstance(form, Relation) and bool(INEQUALITIES & set(form.operators))


def name(form: Form) -> str | None:
    """The name that an equation gives its value; None: it is no such equation."""
    if not isinstance(form, Relation):
        return None
    if form.name is not None:
        return form.name
    last = form.sides[-1]
    return str(last.expression) if isinstance(last, Value) and _is_letter(last) else None


def names(items: Sequence[Form]) -> set[str]:
    """The names that the values of a list are given."""
    return {found for found in map(name, items) if found is not None}


def same_names(mine: Sequence[Form], other: Sequence[Form]) -> bool:
    """Whether both lists name all their values, by the same several names."""
    both = names(mine), names(other)
    named = all(name(each) is not None for each in (*mine, *other))
    return named and both[0] == both[1] and len(both[0]) > 1


def names_differ(mine: Sequence[Form], other: Sequence[Form]) -> bool:
    """Whether one list gives its values several names, and the other does not."""
    counts = sorted(len(names(items)) for items in (mine, other))
    return counts[0] < counts[1] and counts[1] > 1


def contradicts(form: Form, compare: Compare) -> bool:
    """Whether an equation equates values that differ, such as x = 5 = 4."""
    if not isinstance(form, Relation) or set(form.operators) - {"=", "~"}:
        return False
    sides = [each for each in form.sides if _constant(each)]
    return any(compare(sides[0], each).correct is False for each in sides[1:])


def _value(form: Form, compare: Compare) -> Form | None:
    """The value that an equation gives a name, or the form itself if it is no equation.

    None: the equation is not solved.
    """
    if not isinstance(form, Relation):
        return form
    sides = list(form.sides)
    if form.name is not None:
        sides = sides[1:]
    elif _is_letter(sides[-1]) and all(map(_constant, sides[:-1])):
        sides = sides[:-1]  # 4 = x
    elif not all(map(_constant, sides)):
        return None
    if len(sides) > 1 and form.operators[-1] == "~" and compare(*sides[-2:]).correct is not False:
        sides = sides[:-1]
    agree = every([compare(sides[0], each) for each in sides[1:]])
    return sides[-1] if agree.correct else None


def _is_letter(form: Form) -> bool:
    return isinstance(form, Value) and form.unit is None and bool(form.expression.is_Symbol)


def _constant(form: Form) -> bool:
    return isinstance(form, Value) and form.expression.is_number is True


def _equations(truth: Relation, answer: Relation, compare: Compare) -> Verdict:
    """Compare two equations."""
    mine, other = (_value(each, compare) for each in (truth, answer))
    proportional = _proportional(truth, answer)
    if mine is not None and other is not None:
        rounded = compare(_rounded(truth, mine), _rounded(answer, other))
        found = _better(compare(mine, other), rounded)
        if name(truth) == name(answer):
            return found
        wrong = found.correct is False and proportional is False
        return WRONG if wrong else unknown("a value with another name")
    if proportional:
        return UNSOLVED if mine is not None else RIGHT
    return WRONG if proportional is False else UNSOLVED


def _difference(relation: Relation) -> Expression | None:
    """Left side less right side of an equation of two sides."""
    if relation.operators != ("=",):
        return None
    left, right = (_expression(each) for each in relation.sides)
    return None if left is None or right is None else sympy.expand(left - right)


def _expression(form: Form) -> Expression | None:
    """A side of a relation as an expression; None: it is none, or has a unit."""
    if isinstance(form, Text):
        return sympy.Symbol(form.words, real=True) if len(form.words) == 1 else None
    plain = isinstance(form, Value) and form.unit is None and form.base is None
    return form.expression if isinstance(form, Value) and plain else None


def _proportional(truth: Relation, answer: Relation) -> bool | None:
    """Whether two equations are multiples of each other; None: unknown."""
    mine, other = _difference(truth), _difference(answer)
    if mine is None or other is None or not mine.free_symbols or not other.free_symbols:
        return None
    ratio = sympy.simplify(mine / other)
    if not ratio.free_symbols and ratio.is_finite and ratio.is_nonzero:
        return equal(mine, sympy.expand(ratio * other))
    return False if _of_one_degree(mine, other) else None


def _of_one_degree(mine: Expression, other: Expression) -> bool:
    """Whether both are polynomials of one degree, so that no multiples are other curves."""
    letters = mine.free_symbols | other.free_symbols
    if not (mine.is_polynomial(*letters) and other.is_polynomial(*letters)):
        return False
    degrees = [sympy.Poly(each, *letters).total_degree() for each in (mine, other)]
    return bool(degrees[0] == degrees[1])


def _multiples(truth: Relation, answer: Relation) -> Verdict:
    """Compare two inequalities of which at least one is not solved for a letter."""
    if sets.letters(truth) or sets.letters(answer):
        return UNSOLVED_INEQUALITY
    mine, other = _standard(truth), _standard(answer)
    if mine is None or other is None or mine[0] != other[0]:
        return UNSOLVED_INEQUALITY
    ratio = sympy.simplify(mine[1] / other[1])
    if ratio.free_symbols or not ratio.is_positive:
        return UNSOLVED_INEQUALITY
    return RIGHT if equal(mine[1], sympy.expand(ratio * other[1])) else UNSOLVED_INEQUALITY


def _standard(relation: Relation) -> tuple[bool, Expression] | None:
    """An inequality as strictness and what is to be positive; None: it has no such form."""
    if len(relation.sides) != PAIR or relation.operators[0] in {"!=", "=", "~", "in"}:
        return None
    left, right = (_expression(each) for each in relation.sides)
    if left is None or right is None:
        return None
    operator = relation.operators[0]
    difference = sympy.expand(right - left if operator in sets.BELOW else left - right)
    return (operator in {"<", ">"}, difference) if difference.free_symbols else None
