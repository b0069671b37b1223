"""A table for a terminal of any width, in which no number and no word is broken.

It has a frame where it fits with one, else none. Where it is too wide still, columns that may be
spared are left out, which is said below; at last each cell gets a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    JustifyMethod,
    RenderResult,
)
from rich.table import Table
from rich.text import Text

COMFORTABLE: Final = 24
"""Characters that a column of prose gets at least, where there is room."""
MARGIN: Final = 20
"""Characters of a width that a word leaves free; a longer one is broken, as no form keeps it."""
GAP: Final = 2
"""Characters between columns without a frame."""
NOTHING: Final = "–"


class FittedTable:
    """A table that takes the form that fits the terminal."""

    def __init__(
        self,
        title: Text | None,
        columns: Sequence[Text],
        rows: Sequence[Sequence[Text]],
        spare: Sequence[str] = (),
        *,
        framed: bool = True,
    ) -> None:
        """Take the content.

        Args:
            title: what stands above; None: nothing.
            columns: headings.
            rows: cells.
            spare: headings of columns that may be left out, the first one first.
            framed: whether there is a frame where it fits.
        """
        self._framed = framed
        self._title, self._columns, self._rows = title, columns, rows
        self._spare = [name for name in spare if name in {each.plain for each in columns}]

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return len(self._rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the widest form that fits."""
        width = options.max_width
        for gone, framed, comfortable in self._forms():
            kept = [at for at, name in enumerate(self._columns) if name.plain not in gone]
            widths = self._widths(kept, width, framed=framed, comfortable=comfortable)
            if widths is not None:
                yield self._drawn(kept, widths, framed=framed)
                if gone:
                    names = ", ".join(gone)
                    yield Text(f"left out: {names} (a wider terminal or --json has them)", "dim")
                return
        yield from self._stacked(width)

    def _forms(self) -> Iterator[tuple[Sequence[str], bool, bool]]:
        """Columns that are left out, whether there is a frame, and whether prose has room."""
        if self._framed:
            yield (), True, True
        yield (), False, True
        for count in range(1, len(self._spare) + 1):
            yield self._spare[:count], False, True
        yield (), False, False
        for count in range(1, len(self._spare) + 1):
            yield self._spare[:count], False, False

    def _widths(
        self, kept: Sequence[int], width: int, *, framed: bool, comfortable: bool
    ) -> list[int] | None:
        """The width of each column; None where they do not fit."""
        room = width - (3 * len(kept) + 1 if framed else GAP * (len(kept) - 1))
        cells = [[self._columns[at], *(row[at] for row in self._rows)] for at in kept]
        whole = [max(cell_len(line) for cell in each for line in _lines(cell)) for each in cells]
        least = [max(_longest_word(cell, width) for cell in each) for each in cells]
        for index, at in enumerate(kept):
            if all(is_number(row[at].plain) for row in self._rows):
                least[index] = max(
                    least[index], *(cell_len(row[at].plain) for row in self._rows), 0
                )
        if comfortable:
            pairs = zip(least, whole, strict=True)
            least = [max(low, COMFORTABLE) if high > COMFORTABLE else low for low, high in pairs]
        if sum(least) > room:
            return None
        if sum(whole) <= room:
            return whole
        wanted = [high - low for low, high in zip(least, whole, strict=True)]
        free = room - sum(least)
        return [
            low + min(want, free * want // sum(wanted))
            for low, want in zip(least, wanted, strict=True)
        ]

    def _drawn(self, kept: Sequence[int], widths: Sequence[int], *, framed: bool) -> Table:
        drawn = (
            Table(title=self._title)
            if framed
            else Table(title=self._title, box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        )
        drawn.title_justify, drawn.title_style, drawn.header_style = "left", "bold", "bold"
        for at, width in zip(kept, widths, strict=True):
            cells = [row[at].plain for row in self._rows]
            numeric = bool(cells) and all(map(is_number, cells))
            justify: JustifyMethod = "right" if numeric else "left"
            drawn.add_column(self._columns[at], justify=justify, overflow="fold", width=width)
        for row in self._rows:
            drawn.add_row(*(row[at] for at in kept))
        return drawn

    def _stacked(self, width: int) -> Iterator[ConsoleRenderable]:
        """One line for each cell, with its heading; a blank line between rows."""
        if self._title is not None:
            yield self._title
        longest = max((cell_len(name.plain) for name in self._columns), default=0)
        head = min(longest, max(width // 2 - GAP, 1)) + GAP
        for index, row in enumerate(self._rows):
            if index:
                yield Text("")
            lines = Table.grid(padding=(0, GAP, 0, 0))
            lines.add_column(width=head - GAP, overflow="fold")
            lines.add_column(width=max(width - head, 1), overflow="fold")
            for name, cell in zip(self._columns, row, strict=True):
                if cell.plain:
                    lines.add_row(Text(name.plain, "dim"), cell)
            yield lines


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, or says that there is none."""
    return cell == NOTHING or cell.replace(",", "").replace(".", "").lstrip("+-−").isdigit()


def _lines(cell: Text) -> list[str]:
    return cell.plain.split("\n")


def _longest_word(cell: Text, width: int) -> int:
    longest = max((cell_len(word) for word in cell.plain.split()), default=0)
    return longest if longest <= width - MARGIN else MARGIN
