"""Markdown that shows foreign texts as they are: escaped, on one line, and in tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lake.visible import visible

MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$@:])")
"""Characters with a meaning in Markdown, mentions and issue links; a backslash escapes them."""


def escaped(value: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line."""
    entities = visible(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKS.sub(r"\\\1", entities)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Render the lines of a table, with its texts escaped."""
    yield line(columns)
    yield line(["---"] * len(columns), plain=True)
    for row in rows:
        yield line(row)


def line(cells: Sequence[str], *, plain: bool = False) -> str:
    """Render a line of a table; cells that are Markdown already are `plain`."""
    return "| " + " | ".join(cell if plain else escaped(cell) or " " for cell in cells) + " |"
