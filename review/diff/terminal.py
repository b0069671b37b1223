"""A diff in a terminal: a screen, and on request the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from review.cli.output import sentence, table
from review.diff.samples import samples, value
from review.diff.sections import sections, sentences
from review.diff.values import DataDiff


def rendered(found: DataDiff, title: str, rows: int) -> Iterator[RenderableType]:
    """The parts of a screen, and at most some rows."""
    head = f"{found.dataset}: {title}"
    for each in sections(found, whole=False):
        yield _shown(head or each.title, each.columns, each.rows)
        head = ""
    if head:
        yield sentence(head)
    for said in sentences(found):
        yield sentence(said)
    if rows:
        yield _rows(found, rows)
        if found.rows.height > rows:
            yield f"… {found.rows.height - rows:,} more rows; --rows --json prints them all"


def _rows(found: DataDiff, rows: int) -> Table:
    shown = list(samples(found, found.rows.head(rows)))
    places = list(dict.fromkeys(name for each in shown for name in each.place))
    payload = list(dict.fromkeys(name for each in shown for name in (*each.before, *each.after)))
    body = [
        [
            each.change,
            *(each.place.get(name, "–") for name in places),
            *(value(each, name) for name in payload),
            each.said,
        ]
        for each in shown
    ]
    return _shown("", ["change", *places, *payload, "what"], body)


def _shown(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return table(title, columns, rows)
