"""The JSON value in what a model wrote around it: a fence, a sentence of prose, its thoughts.

A value counts only if it is valid under the request's schema, and where a text holds several
different valid ones, none of them is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from lake import documents

THOUGHTS: Final = ("think", "thinking", "reasoning")
"""Tags between which a model thinks."""
FENCED: Final = re.compile(r"```[^\n`]*\n([^`]*(?:`{1,2}[^`]+)*)```")
BEGINNING: Final = re.compile(r"[{\[]")
MOST_VALUES: Final = 64
"""Places of a text at which a JSON value may begin."""
LONGEST: Final = 1 << 16
"""Characters of a text that is looked through."""

_DECODER: Final = json.JSONDecoder(strict=False)


def found(text: str, is_valid: Callable[[Any], bool]) -> list[Any]:
    """Find the JSON values in a text that are valid, each different one once.

    What stands in fences is looked at first, then objects and lists anywhere in the text; thoughts
    between tags such as <think> are left out.

    Args:
        text: What a model answered.
        is_valid: Whether a value is an answer.
    """
    plain = text[:LONGEST]
    for tag in THOUGHTS:
        plain = _without(plain, f"<{tag}>", f"</{tag}>")
    for parts in ([plain], FENCED.findall(plain), _embedded(plain)):
        valid: list[Any] = []
        for part in parts:
            value = _value(part)
            if value is not None and is_valid(value) and value not in valid:
                valid.append(value)
        if valid:
            return valid
    return []


def _without(text: str, begin: str, end: str) -> str:
    """Take out what stands between two tags, both of them too, in one pass over the text."""
    kept, at = [], 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        kept.append(text[at:start])
        at = stop + len(end)
    return "".join([*kept, text[at:]])


def _embedded(text: str) -> Iterator[str]:
    """Yield the outermost objects and lists of a text."""
    end = 0
    for match in list(BEGINNING.finditer(text))[:MOST_VALUES]:
        if match.start() < end:
            continue
        try:
            _, end = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        yield text[match.start() : end]


def _value(text: str) -> Any:  # noqa: ANN401  JSON
    """The JSON value of a text; None where it is none."""
    try:
        return documents.parse_json(text, strict=False)
    except ValueError:
        return None
