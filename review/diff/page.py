"""A diff as one page that needs nothing else: no network, no script, light and dark.

What comes from samples is escaped by the template engine, pictures are small PNG files that were
encoded here, and the page's own policy forbids it to load or run anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.common import templates
from review.cli.output import STYLES, number, plural
from review.diff import row_table
from review.diff.row_table import RowTable
from review.diff.samples import Sample, samples
from review.diff.sections import Section, details, sections, sentences, warnings
from review.diff.values import MEANINGS, ORDER, DataDiff

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE: Final = "page.html.j2"
MOODS: Final = {"green": "good", "red": "bad", "yellow": "mild"}
"""Class of a cell by the colour that its word has in a terminal."""
LONG: Final = 60
"""Characters of a text that needs a wide card."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Rows with one kind of change, of which the first are shown: as a table, or as cards."""

    change: str
    meaning: str
    count: int
    samples: list[Sample]
    table: RowTable | None = None

    @property
    def wide(self) -> bool:
        """Whether the cards need room."""
        return any(_is_wide(sample) for sample in self.samples)


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """The part of the page about one data set."""

    name: str
    warnings: list[tuple[str, list[str]]]
    sentences: list[str]
    sections: list[Section]
    groups: list[ChangeGroup]
    details: list[Section]


def rendered(diffs: Iterable[DataDiff], title: str, rows: int) -> str:
    """Render the page as HTML.

    Args:
        diffs: the data sets that differ.
        title: what is compared with what.
        rows: how many rows of each kind of change are shown.
    """
    datasets = [_dataset(diff, rows) for diff in diffs]
    return _engine().get_template(TEMPLATE).render(title=title, datasets=datasets)


def mood(word: str) -> str | None:
    """The class of a cell whose word has a meaning; None for any other word."""
    if word in ("shifted", "apart"):
        return "mild"
    return MOODS.get(STYLES.get(word, ""))


def _engine() -> Environment:
    from jinja2 import FileSystemLoader  # noqa: PLC0415  only a page needs it

    engine = templates.engine(FileSystemLoader(Path(__file__).parent))
    engine.filters |= {"mood": mood, "number": number, "plural": plural}
    return engine


def _dataset(diff: DataDiff, rows: int) -> DatasetPage:
    return DatasetPage(
        name=diff.dataset,
        warnings=warnings(diff),
        sentences=list(sentences(diff, whole=True)),
        sections=list(sections(diff, whole=True)),
        groups=list(_groups(diff, rows)),
        details=list(details(diff)),
    )


def _groups(diff: DataDiff, rows: int) -> Iterator[ChangeGroup]:
    """The rows that differ, by kind of change, in the order of `ORDER`."""
    for change in ORDER if rows else ():
        count = diff.changes.get(change, 0)
        if count:
            first = diff.rows.filter(diff.rows["change"] == change).head(rows)
            shown = list(samples(diff, first))
            yield ChangeGroup(change, MEANINGS[change], count, shown, row_table.of(diff, shown))


def _is_wide(sample: Sample) -> bool:
    """Whether a card needs room for two sides, or for a text."""
    if sample.before and sample.after:
        return True
    values = (*sample.before.values(), *sample.after.values())
    return any(isinstance(value, str) and len(value) > LONG for value in values)
