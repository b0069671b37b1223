"""A diff as Markdown for a pull request: tables that GitHub renders, with foreign text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lake.visible import visible
from review.diff.samples import as_table
from review.diff.sections import sections, sentences, warnings
from review.diff.values import DataDiff

MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$@:])")
"""Characters with a meaning in Markdown, mentions and issue links; a backslash escapes them."""


def rendered(diff: DataDiff, title: str, rows: int) -> Iterator[str]:
    """Render the lines of a document, with at most so many rows."""
    yield f"### {escaped(diff.dataset)}: {escaped(title)}"
    for headline, changes in warnings(diff):
        yield ""
        yield f"**{escaped(headline)}**"
        yield ""
        yield from (f"- {escaped(change)}" for change in changes)
    for section in sections(diff, whole=False):
        yield ""
        if section.title:
            yield f"**{escaped(section.title)}**"
            yield ""
        yield from table(section.columns, section.rows)
    yield ""
    for sentence in sentences(diff):
        yield f"- {escaped(sentence)}"
    if rows:
        yield from _rows(diff, rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Render the lines of a table."""
    yield _line(columns)
    yield _line(["---"] * len(columns), plain=True)
    for row in rows:
        yield _line(row)


def escaped(value: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line."""
    entities = visible(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKS.sub(r"\\\1", entities)


def _rows(diff: DataDiff, rows: int) -> Iterator[str]:
    columns, body = as_table(diff, rows)
    yield ""
    yield "<details><summary>rows</summary>"
    yield ""
    yield from table(columns, body)
    yield ""
    yield "</details>"


def _line(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else escaped(cell) or " " for cell in cells) + " |"
