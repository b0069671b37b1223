"""Messages of a stage for the person at the terminal, on standard error, without raw characters."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from lake.visible import visible

WIDTH: Final = 120
"""Columns of a table, whether standard error is a terminal or a file."""


def line(sentence: str) -> None:
    """Print a sentence on one line."""
    sys.stderr.write(f"{visible(sentence)}\n")


def lines(text: str) -> None:
    """Print a text of several lines."""
    sys.stderr.write(f"{visible(text, lines=True)}\n")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Collection[str] = ()
) -> None:
    """Print a table, at most `WIDTH` wide; what is too long folds in the last column.

    Args:
        columns: headings.
        rows: cells as texts.
        numeric: headings of the columns that are aligned to the right.
    """
    from rich.console import Console  # noqa: PLC0415  slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        last = name is columns[-1]
        made.add_column(
            Text(name),
            justify="right" if name in numeric else "left",
            no_wrap=not last,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(visible(cell)) for cell in row))
    drawn = io.StringIO()
    Console(file=drawn, width=WIDTH, color_system=None).print(made)
    sys.stderr.writelines(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())
