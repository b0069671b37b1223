"""How results are printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

import polars as pl
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

STYLES = {
    "published": "green",
    "pass": "green",
    "accepted": "green",
    "passed": "green",
    "warn": "yellow",
    "warning": "yellow",
    "duplicate": "yellow",
    "unknown": "yellow",
    "in progress": "cyan",
    "block": "red",
    "blocked": "red",
    "rejected": "red",
    "failed": "red",
    "superseded": "bright_black",
}


def console() -> Console:
    """A console on standard output; wide enough for a table when it is not a terminal."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def print_json(content: object) -> None:
    """Print JSON with a newline."""
    sys.stdout.write(json.dumps(content, indent=2, default=str) + "\n")


def print_json_rows(
    content: Mapping[str, object], name: str, blocks: Iterable[pl.DataFrame]
) -> None:
    """Print JSON with a list of rows as its last member, of which one block is held at once.

    Args:
        content: the other members, at least one.
        name: of the list.
        blocks: frames whose columns are the rows' members.
    """
    head = json.dumps(content, indent=2, default=str).removesuffix("\n}")
    sys.stdout.write(f'{head},\n  "{name}": [')
    comma = ""
    for block in blocks:
        rows = block.write_ndjson().splitlines()
        sys.stdout.writelines([comma, "\n    ", ",\n    ".join(rows)] if rows else [])
        comma = "," if rows else comma
    sys.stdout.write("\n  ]\n}\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table: words with a meaning are coloured, numbers stand right, long words fold."""
    head = Text(title) if title else None
    made = Table(title=head, title_justify="left", title_style="bold", header_style="bold")
    body = [[_text(cell) for cell in row] for row in rows]
    for index, name in enumerate(columns):
        cells = [row[index].plain for row in body]
        numeric = bool(cells) and all(_is_number(cell) for cell in cells)
        side: JustifyMethod = "right" if numeric else "left"
        made.add_column(Text(name), justify=side, overflow="fold")
    for row in body:
        made.add_row(*row)
    return made


def number(value: object, digits: int = 3) -> str:
    """A number for a person: fixed digits, an en dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124  NaN
        return "–"
    if isinstance(value, float):
        text = f"{value:,.{digits}f}"
        return text.lstrip("-") if not text.strip("-0.") else text
    return f"{value:,}" if isinstance(value, int) else str(value)


def plural(word: str, count: int) -> str:
    """A noun after its count."""
    return word if count == 1 else f"{word}s"


def _text(cell: object) -> Text:
    plain = cell if isinstance(cell, str) else number(cell)
    return Text(plain, style=STYLES.get(plain, ""))


def _is_number(cell: str) -> bool:
    return cell == "–" or cell.replace(",", "").replace(".", "").lstrip("+-−").isdigit()
