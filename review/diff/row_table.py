"""Rows of a table that differ, as a table: a column under its name, a row in a line.

Rows of typed columns are compared down a column, so they are shown so; texts and pictures need the
room of a card. Which it is follows from the types and the values that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from review.diff.samples import Picture, Sample
from review.diff.values import DataDiff

LABEL: Final = "label"
LONG: Final = 60
"""Characters of a text that no cell shows."""

ID: Final = "sample_id"
NOTHING_NEW: Final = ("", "accepted")
"""What is said of a row that is as its kind of change says already."""
Side = str | Picture | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str
    number: bool
    """Its values are aligned to the right."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row."""

    before: str | None
    """None: null, or nothing; only a cell that differs has another value here."""
    after: str | None
    """None: null."""
    differs: bool = False
    there: bool = True
    """The row has the column."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its cells."""

    sample: Sample
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows that differ in one way."""

    places: tuple[str, ...]
    """Names of what says which row it is, besides its id."""
    ids: bool
    """Rows have a sample id, which is long and stands last."""
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    summaries: bool
    """A row has something to be said of, such as its decision."""


def of(diff: DataDiff, shown: Sequence[Sample]) -> RowTable | None:
    """Arrange rows as a table; None where they are of texts or pictures.

    Args:
        diff: the diff that they are of.
        shown: some of its rows.
    """
    types = {**diff.before.collect_schema(), **diff.after.collect_schema()}
    names = dict.fromkeys(name for each in shown for name in (*each.before, *each.after))
    typed = any(_is_typed(types.get(name)) for name in names if name != LABEL)
    if not typed or not all(_is_short(side) for each in shown for side in _values(each)):
        return None
    places = dict.fromkeys(name for each in shown for name in each.location)
    return RowTable(
        places=tuple(name for name in places if name != ID),
        ids=ID in places,
        columns=tuple(Column(name, _is_number(types.get(name))) for name in names),
        lines=tuple(Line(each, tuple(_cell(each, name) for name in names)) for each in shown),
        summaries=any(each.summary not in NOTHING_NEW for each in shown),
    )


def _cell(sample: Sample, name: str) -> Cell:
    old, new = sample.before.get(name), sample.after.get(name)
    sides = [side for side in (sample.before, sample.after) if name in side]
    if not sides:
        return Cell(None, None, there=False)
    if len(sides) == 1:
        return Cell(None, _text(new if name in sample.after else old))
    differs = name in sample.differing
    return Cell(_text(old) if differs else None, _text(new), differs=differs)


def _text(value: Side) -> str | None:
    return None if value is None or isinstance(value, Picture) else value


def _values(sample: Sample) -> tuple[Side, ...]:
    return (*sample.before.values(), *sample.after.values())


def _is_short(value: Side) -> bool:
    if isinstance(value, Picture):
        return False
    return value is None or (len(value) <= LONG and "\n" not in value)


def _is_number(dtype: pl.DataType | None) -> bool:
    return dtype is not None and dtype.is_numeric()


def _is_typed(dtype: pl.DataType | None) -> bool:
    return _is_number(dtype) or (dtype is not None and (dtype.is_temporal() or dtype == pl.Boolean))
