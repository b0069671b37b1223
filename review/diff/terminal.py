"""A diff in a terminal: one screen, and on request the rows."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from review.cli.output import sentence, table
from review.diff.samples import as_table
from review.diff.sections import sections, sentences
from review.diff.values import DataDiff


def rendered(diff: DataDiff, title: str, rows: int) -> Iterator[RenderableType]:
    """Render the parts of a screen, and at most so many rows."""
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
