"""A diff in a terminal: one screen, and on request the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from review.cli.output import sentence, table
from review.diff.samples import as_table
from review.diff.sections import sections, sentences, warnings
from review.diff.values import DataDiff

WARNING: Final = "bold yellow"
"""Style of what comes first."""


def rendered(diff: DataDiff, title: str, rows: int) -> Iterator[RenderableType]:
    """Render the parts of a screen, and at most so many rows."""
    for headline, changes in warnings(diff):
        yield sentence(f"{headline[:1].upper()}{headline[1:]}{':' if changes else ''}", WARNING)
        for change in changes:
            yield sentence(f"  {change}")
    head = f"{diff.dataset}: {title}"
    for section in sections(diff, whole=False):
        yield table(head or section.title, section.columns, section.rows)
        head = ""
    if head:
        yield sentence(head)
    for text in sentences(diff):
        yield sentence(text)
    if rows:
        yield table("", *as_table(diff, rows))
        if diff.rows.height > rows:
            yield f"… {diff.rows.height - rows:,} more rows; --rows --json prints them all"
