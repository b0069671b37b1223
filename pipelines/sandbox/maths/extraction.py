r"""The answer in a text: what is boxed, what follows "the answer is" or ####, the only formula.

Prose around a box or a formula is no part of the answer. Whatever could change its value is: a sign
or a factor before it, a unit, a factorial or another value behind it, a "not". Then the answer is
read with it, or not at all. A text with none of these is the answer as a whole.
"""

from __future__ import annotations

import itertools
import re
from typing import Final

from pipelines.sandbox.maths import surroundings
from pipelines.sandbox.maths.characters import closing_brace, plain
from pipelines.sandbox.maths.forms import Notes, UnreadableError
from pipelines.sandbox.maths.vocabulary import any_case

MAX_CHARACTERS: Final = 2000
"""Length of an answer without the text around it."""
BOX: Final = re.compile(r"\\(?:boxed|fbox)(?:\s*(\{|[0-9])|\s+([A-Za-z])(?![A-Za-z]))")
MARKER: Final = any_case(
    r"(?:\b(?:final |correct )?answer\s?(?:\*\*)?\s?(?:is|are|:|=|(?=\$|\\[(\[]))|####)"
    r"\s?(?:\*\*)?:?"
)
CLOSING_WORDS: Final = any_case(r"\s*I hope it is correct\.?\s*\Z")
LEAD: Final = any_case(
    r"\s*(?:so|thus|hence|therefore|then|finally|it is|it's|we get|we have|i get)\b\s?,?\s?(?=\S)"
)
FORMULA: Final = re.compile(
    r"\$\$([^$]+)\$\$|(?<!\\)\$((?:\\\$|[^$])+)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
BLANKS: Final = re.compile(r"\s+")
DOUBLED: Final = re.compile(r"\\\\(?=[A-Za-z{}])")
"""A backslash that was escaped twice."""
MIXED_WORDS: Final = re.compile(r"\s*[+-]?\s*[0-9]+ and [0-9]+\s*/\s*[0-9]+\s*\Z")
MARKS: Final = ("**", "__", "`", '"', "$$", "$")
"""What may stand around an answer on both sides."""


def answer(text: str, notes: Notes) -> str:
    """The answer in a text, in plain characters; notes whether several are boxed.

    Raises:
        UnreadableError: which part of the text is the answer cannot be told.
    """
    text = BLANKS.sub(lambda found: "\n" if "\n" in found[0] else " ", plain(text))
    if r"\begin" not in text:
        text = DOUBLED.sub(lambda _: "\\", text)
    found = clean(_found(CLOSING_WORDS.sub("", text), notes))
    if len(found) > MAX_CHARACTERS:
        raise UnreadableError(f"it is longer than {MAX_CHARACTERS} characters")
    if MIXED_WORDS.match(found):
        raise UnreadableError("it is a list or a mixed number")
    return found


def _found(text: str, notes: Notes) -> str:
    boxes = _boxes(text)
    if boxes:
        return _boxed(text, boxes, notes)
    markers = list(MARKER.finditer(text))
    return _marked(text, markers) if markers else _only_formula(text) or _without_lead(text)


def clean(text: str) -> str:
    """An answer without emphasis, quotation marks, delimiters and a full stop around it."""
    before = None
    while text != before:
        before = text
        text = text.strip().removesuffix("\\")
        text = re.sub(r"(?<![.])[.,;:]\Z", "", text)
        for mark in MARKS:
            inner = text[len(mark) : -len(mark)]
            if len(text) > 2 * len(mark) and text == f"{mark}{inner}{mark}" and mark not in inner:
                text = inner
    return text


def _boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of each box."""
    found = []
    end = 0
    for opening in BOX.finditer(text):
        if opening.start() < end:
            raise UnreadableError("a box holds another one")
        end, content = opening.end(), opening[1] or opening[2]
        if content == "{":
            end = closing_brace(text, opening.end(), "a box")
            content = text[opening.end() : end - 1]
        found.append((opening.start(), end, content))
    return found


def _boxed(text: str, boxes: list[tuple[int, int, str]], notes: Notes) -> str:
    """What is boxed, and the unit behind it; different boxes beside each other are a list."""
    contents = list(dict.fromkeys(clean(content) for _, _, content in boxes))
    if "" in contents:
        raise UnreadableError("a box is empty")
    if len(contents) > 1:
        notes.boxes = True
        pairs = itertools.pairwise(boxes)
        between = [text[end:start] for (_, end, _), (start, _, _) in pairs]
        if not all(map(surroundings.is_separator, between)):
            raise UnreadableError("several answers are boxed")
    start = boxes[0][0] if len(contents) > 1 else boxes[-1][0]
    before, behind = surroundings.before(text[:start]), surroundings.behind(text[boxes[-1][1] :])
    if len(contents) > 1 and (before or behind):
        raise UnreadableError("several answers are boxed")
    return f"{before}{', '.join(contents)} {behind}"


def _marked(text: str, markers: list[re.Match[str]]) -> str:
    """What follows the last marker, if no other marker has another answer."""
    before = text[: markers[-1].start()]
    if surroundings.denies(before) or surroundings.changes(before):
        raise UnreadableError("the words before the answer may deny or change it")
    found = clean(text[markers[-1].end() :])
    for each, following in itertools.pairwise(markers):
        between = text[each.end() : following.start()].lstrip()
        if clean(surroundings.sentence(between)) not in {found, "", "The"}:
            raise UnreadableError("it gives several answers")
    return _only_formula(found) or re.sub(r"\A\s*(?:=|:)", "", found)


def _only_formula(text: str) -> str:
    """The formula of a text that only announces it, with its unit; empty for other texts."""
    formulas = list(FORMULA.finditer(text))
    if len(formulas) != 1:
        return ""
    start, end = formulas[0].span()
    content = next(part for part in formulas[0].groups() if part)
    unit = surroundings.unit_alone(text[end:])
    if unit is None or not surroundings.announces(text[:start]):
        return ""
    return f"{content} {unit}"


def _without_lead(text: str) -> str:
    """A text without words such as "so" and without an equals sign at its beginning."""
    while lead := LEAD.match(text):
        text = text[lead.end() :]
    return re.sub(r"\A\s*(?:=|:)", "", text)
