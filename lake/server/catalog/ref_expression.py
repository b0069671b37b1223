"""Ref expressions: how a person names a commit.

A full commit id, a branch, a tag, a unique commit prefix, in that order; `~n` (n-th first parent)
and `^n` (n-th parent) chain behind it; `@` (committed) and `$` (staged) stand alone behind a
branch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lake.errors import InvalidError

_EXPRESSION = re.compile(r"^(?P<base>[^~^@$]+)(?P<steps>(?:[~^]\d{0,9})*)(?P<mark>[@$]?)$")
_STEP = re.compile(r"([~^])(\d*)")


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed ref: the name, steps back through history, and the mark `@`, `$` or nothing."""

    base: str
    steps: tuple[tuple[str, int], ...]
    mark: str


def parse(text: str) -> Expression:
    """Parse a ref expression.

    Raises:
        InvalidError: it is not a ref expression.
    """
    match = _EXPRESSION.match(text)
    if not match or (match["steps"] and match["mark"]):
        raise InvalidError(f"{text!r} is not a ref expression")
    steps = tuple((sign, int(count or 1)) for sign, count in _STEP.findall(match["steps"]))
    return Expression(match["base"], steps, match["mark"])
