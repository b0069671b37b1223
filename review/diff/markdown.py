"""A diff as Markdown for a pull request: tables that GitHub renders, everything foreign escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lake.visible import visible
from review.diff.samples import samples, value
from review.diff.sections import sections, sentences
from review.diff.values import DataDiff

MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$@:])")
"""What Markdown, GitHub's mentions and its issue links start with; a backslash makes it text."""


def rendered(found: DataDiff, title: str, rows: int) -> Iterator[str]:
    """The lines of a document."""
    yield f"### {escaped(found.dataset)}: {escaped(title)}"
    for each in sections(found, whole=False):
        yield ""
        if each.title:
            yield f"**{escaped(each.title)}**"
            yield ""
        yield from table(each.columns, each.rows)
    yield ""
    for said in sentences(found):
        yield f"- {escaped(said)}"
    if rows:
        yield from _rows(found, rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table."""
    yield _line(columns)
    yield _line(["---"] * len(columns), plain=True)
    for row in rows:
        yield _line(row)


def escaped(value: str) -> str:
    """A text as it reads, on one line."""
    entities = visible(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKS.sub(r"\\\1", entities)


def _rows(found: DataDiff, rows: int) -> Iterator[str]:
    shown = list(samples(found, found.rows.head(rows)))
    places = list(dict.fromkeys(name for each in shown for name in each.place))
    payload = list(dict.fromkeys(name for each in shown for name in (*each.before, *each.after)))
    yield ""
    yield "<details><summary>rows</summary>"
    yield ""
    body = [
        [
            each.change,
            *(each.place.get(name, "–") for name in places),
            *(value(each, name) for name in payload),
            each.said,
        ]
        for each in shown
    ]
    yield from table(["change", *places, *payload, "what"], body)
    yield ""
    yield "</details>"


def _line(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(each if plain else escaped(each) or " " for each in cells) + " |"
