"""Messages of a stage for the person at the terminal, on standard error, without raw characters."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from lake.visible import visible

WIDTH: Final = 120
"""Columns of a table at most; a terminal may have fewer."""


def line(sentence: str) -> None:
    """Print a sentence on one line."""
    sys.stderr.write(f"{visible(sentence)}\n")


def lines(text: str) -> None:
    """Print a text of several lines."""
    sys.stderr.write(f"{visible(text, lines=True)}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, at most `WIDTH` wide, and no wider than the terminal.

    Args:
        columns: headings.
        rows: cells as texts; columns of numbers are aligned to the right.
    """
    from rich.console import Console  # noqa: PLC0415  slow to import
    from rich.text import Text  # noqa: PLC0415

    from pipelines.common.fitted_table import FittedTable  # noqa: PLC0415  as above

    cells = [[Text(visible(cell)) for cell in row] for row in rows]
    made = FittedTable(None, list(map(Text, columns)), cells, framed=False)
    drawn = io.StringIO()
    Console(file=drawn, width=_width(), color_system=None).print(made)
    sys.stderr.writelines(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())


def _width() -> int:
    return min(WIDTH, shutil.get_terminal_size().columns) if sys.stderr.isatty() else WIDTH
