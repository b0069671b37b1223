"""A diff as Markdown for a pull request: tables that GitHub renders, with foreign text escaped."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.common.markdown import escaped, table
from review.diff.samples import as_table
from review.diff.sections import sections, sentences, warnings
from review.diff.values import DataDiff


def rendered(diff: DataDiff, title: str, rows: int) -> Iterator[str]:
    """Render the lines of a document, with at most so many rows."""
    yield f"### {escaped(diff.dataset)}: {escaped(title)}"
    for headline, changes in warnings(diff):
        yield ""
        yield f"**{escaped(headline)}**"
        yield ""
        yield from (f"- {escaped(change)}" for change in changes)
    for section in sections(diff, whole=False):
        yield ""
        if section.title:
            yield f"**{escaped(section.title)}**"
            yield ""
        yield from table(section.columns, section.rows)
    yield ""
    for sentence in sentences(diff):
        yield f"- {escaped(sentence)}"
    if rows:
        yield from _rows(diff, rows)


def _rows(diff: DataDiff, rows: int) -> Iterator[str]:
    columns, body = as_table(diff, rows)
    yield ""
    yield "<details><summary>rows</summary>"
    yield ""
    yield from table(columns, body)
    yield ""
    yield "</details>"
