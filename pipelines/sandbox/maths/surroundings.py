"""What stands around an answer that a text marks: prose, or something that belongs to it."""

from __future__ import annotations

import re
from typing import Final

from pipelines.sandbox.maths import units
from pipelines.sandbox.maths.forms import UnreadableError
from pipelines.sandbox.maths.vocabulary import any_case

NEAR: Final = 30
"""Characters before an answer whose words may change it."""
SENTENCE_END: Final = re.compile(r"[.?!](?=\s|$)|\n")
DELIMITER: Final = re.compile(r"(?<!\\)(?:\\[()\[\]]|\$\$?)")
DENIAL: Final = any_case(
    r"\b(?:not|never|wrong|incorrect|cannot|unless|doubt|neither|nor)\b|n't\b"
    r"|\b(?:or|and|plus|minus|times|over|negative|half|twice|double)(?: of)?\s*\Z"
)
DOUBT: Final = any_case(
    r"\b(?:or|not|but|if|unless|otherwise|except|maybe|perhaps|either|neither|wrong|incorrect)\b"
    r"|n't\b"
)
"""Words behind an answer that take it back or limit it."""
CHANGE: Final = any_case(
    r"(?:and|plus|minus|times|over|to|squared|cubed|factorial|half|halves|thirds?|quarters?|dozens?"
    r"|pairs?|hundreds?|thousands?|millions?|billions?|trillions?|percent|point|less|more|fewer"
    r"|off|but|negative)\b"
)
"""Words that change a number which they follow."""
CHANGED: Final = any_case(
    r"\b(?:half|twice|double|square|squared|cube|root|reciprocal|opposite|inverse|negative|minus|plus"
    r"|times|less|more|fewer|than|least|most|bound|guess|estimate|before|after|next|previous)\b"
)
"""Words with which what is announced is another value than the answer."""
ANNOUNCEMENT: Final = any_case(
    r"(?:(?:so|thus|hence|therefore|then|finally|here|it is|we get|we have|we find|that)[\s,]*)*"
    r"(?:(?:(?:the|our|final|correct|required|total) )+"
    r"(?:answer|solution|result|value|total|number|probability|area|volume|length|perimeter|distance"
    r"|cost|price|sum|product|matrix|ordered pair|remainder|maximum|minimum|domain|range)"
    r"(?: (?:of|for|that)(?: [A-Za-z']+){1,12}?)? (?:is|are|equals)|is|are)?\s*:?\s*\Z"
)
"""Words that say nothing but that the answer follows."""
REPEATED: Final = re.compile(r"\s*(?:is|are) (?:the|our) (?:answer|solution|result)s?\Z")
SEPARATOR: Final = re.compile(
    r"(?:\s|[,;]|\\q?quad|(?:and|or)\b|\\text\s*\{\s*(?:and|or)\s*\}|\\[,; ])*\Z"
)
EQUATES: Final = re.compile(
    r"(?:=|[:*]|(?<![0-9)\]}])[,;]"
    r"|\\(?:approx|in|equiv|implies|Rightarrow|rightarrow|to|therefore|quad|qquad)"
    r"|\\(?:text|textbf|textrm|mathrm)\{[^{}]*\})\s*\Z"
)
"""The end of a formula in which only what follows is the answer."""
FACTOR: Final = re.compile(r"(?:[0-9)\]}+*/^\\-]|\b[A-Za-z])\s*\Z|[A-Za-z]\Z")
"""The end of a text that belongs to the formula behind it."""
PROSE_LAST: Final = re.compile(r"(?:\A|[\s*])[A-Za-z]{2,}[:,]?\s*(?:\*\*)?\s*\Z")
FIRST: Final = re.compile(r"\\?[A-Za-z]+|\S")
GLUED: Final = tuple("!^_/+-'(|<>=&%")
"""Characters that belong to what they follow without a space."""
PER: Final = frozenset({"per", "/"})


def sentence(text: str) -> str:
    """The first sentence of a text."""
    return SENTENCE_END.split(text)[0]


def denies(text: str) -> bool:
    """Whether the end of a text denies or changes what follows, such as "not" or "half of"."""
    last = SENTENCE_END.split(text)[-1]
    return DENIAL.search(DELIMITER.sub("", last)[-NEAR:]) is not None


def changes(text: str) -> bool:
    """Whether the end of a text makes what follows another value, such as "the square of"."""
    return CHANGED.search(SENTENCE_END.split(text)[-1][-NEAR:]) is not None


def announces(text: str) -> bool:
    """Whether the text before a formula says nothing but that the answer follows."""
    changed = DOUBT.search(text) or CHANGED.search(text)
    return ANNOUNCEMENT.match(text.strip()) is not None and changed is None


def unit_alone(text: str) -> str | None:
    """The unit behind a formula, if nothing else stands there; None: something else does."""
    rest = text.strip(" \n.,;")
    unit = _unit(rest)
    return unit if rest == unit or REPEATED.match(rest) else None


def is_separator(text: str) -> bool:
    """Whether the text between two answers only joins them to a list."""
    return SEPARATOR.match(DELIMITER.sub(" ", text)) is not None


def before(text: str) -> str:
    """What before an answer belongs to it: nothing, or a currency.

    Raises:
        UnreadableError: it cannot be told.
    """
    if denies(text):
        raise UnreadableError("the words before the answer may deny it")
    last = SENTENCE_END.split(text)[-1]
    delimiters = list(DELIMITER.finditer(last))
    inside = last[delimiters[-1].end() :] if delimiters else last
    if inside.rstrip().endswith(r"\$"):
        return r"\$"
    if inside.strip():
        closed = not delimiters or inside[0] in " ,;:" or delimiters[-1][0] in {r"\)", r"\]"}
        belongs = not (EQUATES.search(inside) or (closed and PROSE_LAST.search(inside[-NEAR:])))
    else:
        belongs = FACTOR.search(DELIMITER.sub("", last)[-NEAR:]) is not None
        belongs = belongs and not PROSE_LAST.search(DELIMITER.sub("", last)[-NEAR:])
    if belongs:
        raise UnreadableError("what stands before the answer may belong to it")
    return ""


def behind(text: str) -> str:
    """What behind an answer belongs to it: nothing, a unit, or whatever may change its value."""
    if text[:1] in GLUED:
        return text[0] + DELIMITER.sub(" ", sentence(text[1:]))
    rest = _closed(sentence(DELIMITER.sub(" ", text)))
    apart = rest[:1] in {" ", ",", ";", ":", ""}
    rest = rest.strip(" ,;:.")
    first = FIRST.match(rest)
    word = first[0] if first else ""
    if not rest.strip("*") or (apart and word.isalpha() and word in {"a", "I"}):
        return ""
    if (
        not apart
        or not word.isalpha()
        or len(word) == 1
        or CHANGE.match(rest)
        or DOUBT.search(rest)
    ):
        return rest
    return _unit(rest)


def _unit(text: str) -> str:
    """The words at the beginning of a text that are a unit."""
    found: list[str] = []
    for word in text.split():
        if not units.starts(word.rstrip(",;:")) and word not in PER:
            break
        found.append(word.rstrip(",;:"))
    return " ".join(found)


def _closed(text: str) -> str:
    """A text without braces that close what was opened before it."""
    kept, depth = [], 0
    for each in re.findall(r"\\.|[^\\]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(each, 0)
        kept.append(each if depth >= 0 else " ")
        depth = max(depth, 0)
    return "".join(kept)
