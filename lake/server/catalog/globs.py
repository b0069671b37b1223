r"""Patterns of branch names, as lakeFS has them: `*`, `?`, `[a-c]`, `[!a]`, `{one,two}`, `\x`.

They are translated for the regular expressions of pydantic's core, which are Rust's: these take a
time that grows with pattern and name, whatever the pattern. Python's can take minutes for one of
thirty stars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError

from lake.errors import InvalidError

_PART: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<any>\*+)|(?P<one>\?)"
    r"|\[(?P<not>!?+)(?P<set>\][^\]]*|[^\]]+)\]|\{(?P<words>[^{}]*)\}|(?P<text>.)",
    re.DOTALL,
)
_RANGE: Final = re.compile(r"(.)-(.)", re.DOTALL)
_ITEM: Final = re.compile(r".-.|.", re.DOTALL)


def check(pattern: str) -> None:
    """Refuse what is no pattern.

    Raises:
        InvalidError: a range of characters ends before it begins.
    """
    _compiled(pattern)


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one that the pattern stands for; brackets without an end are text."""
    try:
        _compiled(pattern).validate_python(name)
    except (InvalidError, ValidationError):
        return False
    return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> TypeAdapter[str]:
    expression = f"^(?s:{''.join(_translated(pattern))})$"
    return TypeAdapter(Annotated[str, StringConstraints(pattern=expression)])


def _translated(pattern: str) -> Iterator[str]:
    """Regular expressions of the parts of a pattern."""
    for part in _PART.finditer(pattern):
        if part["any"]:
            yield ".*"
        elif part["one"]:
            yield "."
        elif part["set"]:
            yield f"[{'^' if part['not'] else ''}{_characters(part['set'])}]"
        elif part["words"] is not None:
            yield f"(?:{'|'.join(''.join(_translated(word)) for word in part['words'].split(','))})"
        else:
            yield re.escape(part["escaped"] or part["text"])


def _characters(text: str) -> str:
    """Characters and ranges of a set, each character by its number.

    Raises:
        InvalidError: a range ends before it begins.
    """
    for first, last in _RANGE.findall(text):
        if first > last:
            raise InvalidError(f"the range {first}-{last} of a pattern ends before it begins")
    numbered = (
        "-".join(f"\\x{{{ord(end):x}}}" for end in part[::2]) for part in _ITEM.findall(text)
    )
    return "".join(numbered)
