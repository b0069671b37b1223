"""Is an answer the true one? Right, wrong, or unknown with a reason.

What can be read in more than one way is compared in each: it is right only if it is right in all,
and wrong only if it is wrong in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from pipelines.sandbox.maths.forms import Notes, Options, UnreadableError
from pipelines.sandbox.maths.outcomes import RIGHT, Verdict, unknown
from pipelines.sandbox.maths.powers import NoValueError
from pipelines.sandbox.maths.reading import read, tokens_of
from pipelines.sandbox.maths.structures import same

AMBIGUOUS = unknown("it can be read in more than one way")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict of one way to read both texts."""

    verdict: Verdict
    notes: tuple[Notes, Notes] | None = None
    """Of both; None: one of them was not read."""

    def noted(self, name: str) -> bool:
        """Whether one of both texts holds something of this kind."""
        return self.notes is not None and any(getattr(each, name) for each in self.notes)


def compare(truth: str, answer: str) -> Verdict:
    """Compare an answer with the true one.

    Args:
        truth: the true answer, as LaTeX or plain text, alone or at the end of a solution.
        answer: the given one.
    """
    if not truth.strip():
        return unknown("there is no true answer")
    if not answer.strip():
        return Verdict(False, "there is no answer")
    if _identical(truth, answer):
        return RIGHT
    found = _outcome(truth, answer, Options())
    others = [_outcome(truth, answer, options) for options in _equally_likely(found)]
    if found.verdict.correct and not all(each.verdict.correct for each in others):
        return AMBIGUOUS
    if found.verdict.correct is False and found.notes is not None:
        others += [_outcome(truth, answer, options) for options in _less_likely(found)]
        read_ = [each.verdict.correct for each in others if each.notes is not None]
        if found.noted("boxes") or any(each is not False for each in read_):
            return AMBIGUOUS
    return found.verdict


def _identical(truth: str, answer: str) -> bool:
    """Whether both are the same text, but for layout."""
    if truth.split() == answer.split():
        return True
    try:
        mine, other = (tokens_of(text, Notes()) for text in (truth, answer))
    except UnreadableError:
        return False
    return [(each.kind, each.text) for each in mine] == [(each.kind, each.text) for each in other]


def _outcome(truth: str, answer: str, options: Options) -> Outcome:
    """Compare two texts in one way to read them."""
    try:
        expected, notes = read(truth, options)
    except NoValueError as error:
        return Outcome(unknown(f"the true answer has no value: {error}"))
    except UnreadableError as error:
        return Outcome(unknown(f"the true answer cannot be read: {error}"))
    try:
        found, more = read(answer, options)
    except NoValueError as error:
        return Outcome(Verdict(False, f"the answer has no value: {error}"))
    except UnreadableError as error:
        return Outcome(unknown(f"the answer cannot be read: {error}"))
    return Outcome(same(expected, found), (notes, more))


def _equally_likely(found: Outcome) -> list[Options]:
    """Other ways to read what is ambiguous: 1/2x, log."""
    tight = (True, False) if found.noted("slash") else (True,)
    bases = (None, 10) if found.noted("log") else (None,)
    return [Options(tight=each, log_base=base) for each, base in product(tight, bases)][1:]


def _less_likely(found: Outcome) -> list[Options]:
    """Ways to read commas and degrees that are unusual, so that they only prevent a "wrong"."""
    commas = ("list", "decimal", "inside") if found.noted("comma") else ()
    degrees = (False,) if found.noted("degree") else ()
    return [
        *(Options(commas=each) for each in commas),
        *(Options(degrees=each) for each in degrees),
    ]
