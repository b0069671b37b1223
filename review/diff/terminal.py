"""A diff in a terminal: one screen, and on request the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from review.cli.output import sentence, table
from review.diff.samples import samples, value
from review.diff.sections import sections, sentences
from review.diff.values import DataDiff


def rendered(diff: DataDiff, title: str, rows: int) -> Iterator[RenderableType]:
    """Render the parts of a screen, and at most so many rows."""
    head = f"{diff.dataset}: {title}"
    for section in sections(diff, whole=False):
        yield _shown(head or section.title, section.columns, section.rows)
        head = ""
    if head:
        yield sentence(head)
    for text in sentences(diff):
        yield sentence(text)
    if rows:
        yield _rows(diff, rows)
        if diff.rows.height > rows:
            yield f"… {diff.rows.height - rows:,} more rows; --rows --json prints them all"


def _rows(diff: DataDiff, rows: int) -> Table:
    shown = list(samples(diff, diff.rows.head(rows)))
    place_names = list(dict.fromkeys(name for sample in shown for name in sample.place))
    payload = list(
        dict.fromkeys(name for sample in shown for name in (*sample.before, *sample.after))
    )
    body = [
        [
            sample.change,
            *(sample.place.get(name, "–") for name in place_names),
            *(value(sample, name) for name in payload),
            sample.said,
        ]
        for sample in shown
    ]
    return _shown("", ["change", *place_names, *payload, "what"], body)


def _shown(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return table(title, columns, rows)
