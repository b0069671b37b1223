"""The diff of one table: its rows, its columns and their distributions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from review.diff.columns import Schemas, schemas
from review.diff.rows import RowChanges, compare
from review.diff.shift import Shift, shifts
from review.diff.sources import Sources

NEAR, ALL = "the left side's parts that differ", "all rows of the left side"


@dataclass(frozen=True, slots=True, eq=False)
class TableDiff:
    """The differences in one table."""

    row_changes: RowChanges | None = None
    """None where no part differs."""
    schema: Schemas = field(default_factory=lambda: Schemas({}, {}, {}))
    columns: tuple[Shift, ...] = ()
    reference: str = ""
    """A phrase that says what the right side's differing parts are compared with."""
    before: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    after: pl.LazyFrame = field(default_factory=pl.LazyFrame)


def table(
    parts: Sources, key: Sequence[str], *, columns: bool, passed_over: Collection[str] = ()
) -> TableDiff:
    """Compare a table.

    Args:
        parts: the parts of the table on both sides.
        key: columns by which rows are the same.
        columns: whether to compare the distributions of columns too.
        passed_over: columns that do not belong to the payload.

    Raises:
        UsageError: a side lacks the key.
    """
    frames = parts.frames()
    if frames is None:
        return TableDiff()
    left, right = frames
    row_changes = compare(left, right, key, ignore=passed_over)
    ours, theirs = parts.left.columns(), parts.right.columns()
    schema = Schemas({}, {}, {}) if ours is None or theirs is None else schemas(ours, theirs)
    without_columns = TableDiff(row_changes, schema, before=left, after=right)
    if not columns:
        return without_columns
    reference, described = _reference(parts, left, row_changes)
    if reference is None or not row_changes.right:
        return without_columns
    shared = set(reference.collect_schema())
    names = [
        name
        for name in right.collect_schema()
        if name in shared and name not in {*key, *passed_over}
    ]
    return TableDiff(row_changes, schema, shifts(reference, right, names), described, left, right)


def _reference(
    parts: Sources, left: pl.LazyFrame, row_changes: RowChanges
) -> tuple[pl.LazyFrame | None, str]:
    """Choose what new rows are compared with: the rows they replace, or else all rows."""
    return (left, NEAR) if row_changes.left else (parts.left.whole(), ALL)
