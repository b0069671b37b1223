"""Tables and cells in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are escaped already; a sentence where it has no row."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return "No settings."
    return "\n".join(["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns), *lines])


def cell(text: str) -> str:
    """A text as a cell: on one line, without what would end the cell or begin HTML."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return plain.replace("<", "&lt;") if "`" not in plain else plain
