"""Compare what was read: lists, choices, words, tuples, sets, ratios and matrices."""

from __future__ import annotations

from typing import Final

from pipelines.sandbox.maths import relations, sets, values
from pipelines.sandbox.maths.equality import equal
from pipelines.sandbox.maths.forms import (
    Choice,
    Form,
    Group,
    Matrix,
    Ratio,
    Relation,
    SetOf,
    Several,
    Text,
    Value,
)
from pipelines.sandbox.maths.outcomes import RIGHT, WRONG, Verdict, every, unknown

EXCLUDING: Final = (
    ("yes", "no"),
    ("true", "false"),
    ("even", "odd"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("circle", "ellipse", "parabola", "hyperbola", "line", "point", "empty"),
)
"""Words of which each excludes the others."""
ANOTHER_KIND: Final = Verdict(False, "another kind of answer")
PAIR: Final = 2


def same(truth: Form, answer: Form) -> Verdict:
    """Compare two forms."""
    forms = (truth, answer)
    if any(isinstance(each, Relation) for each in forms):
        return relations.same(truth, answer, same)
    if any(isinstance(each, Several) for each in forms):
        return several(truth, answer)
    if any(isinstance(each, Choice) for each in forms):
        return _choices(truth, answer)
    if any(isinstance(each, Text) for each in forms):
        return _texts(truth, answer)
    return _one_kind(truth, answer) or _two_kinds(truth, answer)


def several(truth: Form, answer: Form) -> Verdict:
    """Compare lists, in any order; one value is a list of one."""
    if relations.inequalities((truth, answer)):
        return relations.systems(truth, answer)
    tuples = any(isinstance(each, Group) for each in (*parts(truth), *parts(answer)))
    mine, other = (_items(each, tuples=tuples) for each in (truth, answer))
    if mine is None or other is None:
        one = any(isinstance(each, (Value, Text, Choice)) for each in (truth, answer))
        return ANOTHER_KIND if one else unknown("a list beside something else")
    if relations.names_differ(mine, other):
        in_order = len(mine) == len(other) and relations.names(mine)
        pairs = zip(mine, other, strict=False)
        if in_order and all(same(expected, each).correct for expected, each in pairs):
            return RIGHT
        return unknown("only one of both names its values")
    return _matched(mine, other)


def parts(form: Form) -> tuple[Form, ...]:
    """The values of a list; none of what is no list."""
    return form.items if isinstance(form, Several) else ()


def _items(form: Form, *, tuples: bool) -> tuple[Form, ...] | None:
    """The values of a list, ± as two; None of what is neither a list nor one value.

    Args:
        form: what was read.
        tuples: a tuple is one value, as it is beside a list of tuples.
    """
    if isinstance(form, Several):
        lists = (each.items if isinstance(each, Several) else (each,) for each in form.items)
        return tuple(item for items in lists for item in items)
    if isinstance(form, SetOf):
        return form.items
    one = isinstance(form, (Value, Text, Choice, Relation)) or (tuples and isinstance(form, Group))
    return (form,) if one else None


def _matched(mine: tuple[Form, ...], other: tuple[Form, ...]) -> Verdict:
    """Pair the values of two lists: each with one of the other that is equal."""
    if len(mine) != len(other):
        return Verdict(False, f"{len(other)} values in place of {len(mine)}")
    by_name = relations.same_names(mine, other)
    left, unpaired, doubt = list(other), False, None
    for expected in mine:
        found = [
            WRONG
            if by_name and relations.name(each) != relations.name(expected)
            # a value with another name is another value
            else same(expected, each)
            for each in left
        ]
        at = next((at for at, each in enumerate(found) if each.correct), None)
        if at is not None:
            left.pop(at)
            continue
        unpaired = True
        doubt = next((each for each in found if each.correct is None), doubt)
    return (doubt or WRONG) if unpaired else RIGHT


def _choices(truth: Form, answer: Form) -> Verdict:
    """Compare choices: the letters, the values, or both, whichever both give."""
    mine, other = _choice(truth), _choice(answer)
    found = []
    if mine.letter and other.letter:
        if mine.letter != other.letter and mine.letter.lower() == other.letter.lower():
            return unknown("a small letter")
        found.append(RIGHT if mine.letter == other.letter else WRONG)
    if mine.value is not None and other.value is not None:
        found.append(same(mine.value, other.value))
    return every(found) if found else unknown("a choice beside a value")


def _choice(form: Form) -> Choice:
    """A form as a choice: a letter, a value, or both."""
    if isinstance(form, Choice):
        return form
    letter = isinstance(form, Value) and form.unit is None and form.expression.is_Symbol
    return Choice(str(form.expression)) if letter and isinstance(form, Value) else Choice("", form)


def _texts(truth: Form, answer: Form) -> Verdict:
    if not (isinstance(truth, Text) and isinstance(answer, Text)):
        return unknown("words beside a value")
    if truth.words == answer.words:
        return RIGHT
    if any(truth.words in words and answer.words in words for words in EXCLUDING):
        return Verdict(False, "another word")
    return unknown("other words")


def _one_kind(truth: Form, answer: Form) -> Verdict | None:
    """Compare two forms of one kind; None: they are of two."""
    if isinstance(truth, Value) and isinstance(answer, Value):
        return values.same(truth, answer)
    if isinstance(truth, Group) and isinstance(answer, Group):
        return _groups(truth, answer)
    if isinstance(truth, Ratio) and isinstance(answer, Ratio):
        return _ratios(truth, answer)
    if isinstance(truth, Matrix) and isinstance(answer, Matrix):
        return _matrices(truth, answer)
    if isinstance(truth, SetOf) and isinstance(answer, SetOf):
        return _matched(_distinct(truth.items), _distinct(answer.items))
    return None


def _distinct(items: tuple[Form, ...]) -> tuple[Form, ...]:
    """The elements of a set, each once."""
    found: list[Form] = []
    for item in items:
        if not any(same(each, item).correct for each in found):
            found.append(item)
    return tuple(found)


def _groups(truth: Group, answer: Group) -> Verdict:
    """Compare tuples, points or intervals."""
    if len(truth.items) != len(answer.items):
        return Verdict(False, f"{len(answer.items)} values in place of {len(truth.items)}")
    pairs = zip(truth.items, answer.items, strict=True)
    found = every([same(mine, other) for mine, other in pairs])
    if not found.correct:
        signs = any(isinstance(each, Several) for each in (*truth.items, *answer.items))
        return unknown("± within brackets") if signs else found
    if (truth.opening, truth.closing) == (answer.opening, answer.closing):
        return RIGHT
    if sets.is_interval(truth) or sets.is_interval(answer):
        return Verdict(False, "an end belongs to only one of both")
    return unknown("other brackets")


def _ratios(truth: Ratio, answer: Ratio) -> Verdict:
    """Compare ratios: equal parts are right, proportional ones may be a time of day."""
    if len(truth.parts) != len(answer.parts):
        return WRONG
    pairs = list(zip(truth.parts, answer.parts, strict=True))
    found = every([values.same(mine, other) for mine, other in pairs])
    if found.correct is not False:
        return found
    (first, other), *rest = pairs
    crossed = [(a.expression * other.expression, b.expression * first.expression) for a, b in rest]
    proportional = all(equal(one, two) is not False for one, two in crossed)
    return unknown("a ratio or a time") if proportional else WRONG


def _matrices(truth: Matrix, answer: Matrix) -> Verdict:
    shapes = [(len(each.rows), len(each.rows[0])) for each in (truth, answer)]
    if shapes[0] != shapes[1]:
        vectors = 1 in shapes[0] and shapes[0] == shapes[1][::-1]
        return unknown("a row beside a column") if vectors else Verdict(False, "another shape")
    rows = zip(truth.rows, answer.rows, strict=True)
    return every([same(a, b) for mine, other in rows for a, b in zip(mine, other, strict=True)])


def _two_kinds(truth: Form, answer: Form) -> Verdict:
    """Compare two forms of different kinds."""
    forms = (truth, answer)
    value = next((each for each in forms if isinstance(each, Value)), None)
    found_set = next((each for each in forms if isinstance(each, SetOf)), None)
    if value is not None and found_set is not None:
        nested = any(isinstance(each, SetOf) for each in found_set.items)
        return ANOTHER_KIND if nested else several(truth, answer)
    if (found := sets.same(truth, answer)) is not None:
        return found
    if value is None or value.unit is not None or not value.expression.is_number:
        return unknown("they are written as different kinds of answers")
    ratio = next((each for each in forms if isinstance(each, Ratio)), None)
    return ANOTHER_KIND if ratio is None else _quotient(ratio, value)


def _quotient(ratio: Ratio, value: Value) -> Verdict:
    """Compare a ratio and a number: unknown if the number is the quotient, otherwise wrong."""
    top, *rest = (each.expression for each in ratio.parts)
    if len(rest) == 1 and equal(top, rest[0] * value.expression) is False:
        return Verdict(False, "another kind of answer")
    return unknown("a ratio beside a number") if len(ratio.parts) == PAIR else ANOTHER_KIND
