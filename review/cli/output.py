"""Prints results: tables for people, JSON for programs.

Everything that is printed goes through here, so that no foreign text reaches a terminal raw: cells,
lines and titles show marks for characters that do not print (`lake.visible`), and the console marks
what is left. JSON is ASCII, with its own escapes.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.segment import Segment
from rich.text import Text

from lake.visible import escape_json, mark_unprintable, visible
from pipelines.common.fitted_table import FittedTable

STYLES = {
    "published": "green",
    "pass": "green",
    "accepted": "green",
    "passed": "green",
    "warn": "yellow",
    "warning": "yellow",
    "duplicate": "yellow",
    "surplus": "yellow",
    "unknown": "yellow",
    "override": "yellow",
    "in progress": "cyan",
    "block": "red",
    "blocked": "red",
    "rejected": "red",
    "failed": "red",
    "superseded": "bright_black",
}


def make_console() -> Console:
    """Make a console on standard output, 160 columns wide where that is not a terminal.

    It reads no markup in what it prints, and replaces characters that do not print by marks.
    """
    return _Console(
        width=None if sys.stdout.isatty() else 160, markup=False, emoji=False, highlight=False
    )


class _Console(Console):
    """A console that prints no character raw, whatever it is given, and no blank line first."""

    began = False

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401  as rich declares it
        """Print texts and renderables, with marks for characters that do not print."""
        if not self.began:
            objects = tuple(map(_without_blank_lines, objects))
        self.began = True
        if self.is_terminal:  # which would break words at its edge
            options.pop("soft_wrap", None)
        super().print(*map(_Tamed, objects), **options)


def _without_blank_lines(first: Any) -> Any:  # noqa: ANN401  as rich declares it
    """What is printed first, without the line breaks that would part it from what is before."""
    if isinstance(first, str):
        return first.lstrip("\n")
    if isinstance(first, Text):
        return first[len(first.plain) - len(first.plain.lstrip("\n")) :]
    return first


class _Tamed:
    """A renderable, or a text, in which marks stand for characters that do not print."""

    def __init__(self, wrapped: ConsoleRenderable | str) -> None:
        self._wrapped = Text(mark_unprintable(wrapped)) if isinstance(wrapped, str) else wrapped

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._wrapped, options):
            yield (
                segment
                if segment.control
                else Segment(mark_unprintable(segment.text), segment.style)
            )


def sentence(text: str, style: str = "") -> Text:
    """One line of text, with marks for characters that do not print."""
    return Text(visible(text), style=style)


def print_json(content: object) -> None:
    """Print JSON with a newline."""
    sys.stdout.write(as_json(content, indent=2) + "\n")


def as_json(content: object, *, indent: int | None = None) -> str:
    """Serialize as JSON in ASCII, with escapes for characters that do not print.

    JSON has no NaN and no infinity: they are written as the texts "nan", "inf" and "-inf".
    """
    try:
        text = json.dumps(content, indent=indent, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(content), indent=indent, default=str, allow_nan=False)
    return escape_json(text)


def _finite(content: object) -> object:
    """The same content with a text for each number that JSON lacks."""
    if isinstance(content, float) and not math.isfinite(content):
        return str(content)
    if isinstance(content, Mapping):
        return {
            str(name) if isinstance(name, float) else name: _finite(value)
            for name, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content


def print_json_rows(
    content: Mapping[str, object], name: str, blocks: Iterable[pl.DataFrame]
) -> None:
    """Print JSON whose last member is a list of rows, of which one block is in memory at a time.

    Args:
        content: the other members, at least one.
        name: name of the list.
        blocks: frames whose columns are the members of each row.
    """
    head = as_json(content, indent=2).removesuffix("\n}")
    sys.stdout.write(f'{head},\n  "{name}": [')
    comma = ""
    for block in blocks:
        rows = escape_json(block.write_ndjson(), ascii_only=True).split("\n")[:-1]
        sys.stdout.writelines([comma, "\n    ", ",\n    ".join(rows)] if rows else [])
        comma = "," if rows else comma
    sys.stdout.write("\n  ]\n}\n")


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    spare: Sequence[str] = (),
) -> FittedTable:
    """Make a table: words of `STYLES` are coloured, numbers aligned right, and no word is broken.

    A line break in a cell becomes a mark, as every character that does not print.

    Args:
        title: what stands above it; empty: nothing.
        columns: headings.
        rows: cells.
        spare: headings of columns that a narrow terminal does without, the first one first.
    """
    head = sentence(title, "bold") if title else None
    body = [[_text(cell) for cell in row] for row in rows]
    return FittedTable(head, list(map(sentence, columns)), body, spare)


def number(value: object, digits: int = 3) -> str:
    """Format a number for a person; None and NaN become an en dash.

    Args:
        value: the number; anything else is formatted as a string.
        digits: decimal places of a float.
    """
    if value is None or value != value:  # noqa: PLR0124  NaN
        return "–"
    if isinstance(value, float):
        text = f"{value:,.{digits}f}"
        return text.lstrip("-") if not text.strip("-0.") else text
    return f"{value:,}" if isinstance(value, int) else str(value)


def plural(word: str, count: int) -> str:
    """The form of a noun that follows a count."""
    return word if count == 1 else f"{word}s"


def when(seconds: int) -> str:
    """Format Unix seconds as a date and time, with its zone."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _text(cell: object) -> Text:
    plain = cell if isinstance(cell, str) else number(cell)
    return sentence(plain, STYLES.get(plain, ""))
