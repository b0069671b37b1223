"""The diff of one table: rows, columns and their distributions, whatever the table is."""

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
    """What differs in one table."""

    samples: RowChanges | None = None
    """None where no part differs."""
    schema: Schemas = field(default_factory=lambda: Schemas({}, {}, {}))
    columns: tuple[Shift, ...] = ()
    reference: str = ""
    """What the right side's parts that differ are compared with."""
    before: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    after: pl.LazyFrame = field(default_factory=pl.LazyFrame)


def table(
    parts: Sources, key: Sequence[str], *, columns: bool, passed_over: Collection[str] = ()
) -> TableDiff:
    """Compare a table.

    Args:
        parts: of the table.
        key: columns by which rows are the same.
        columns: whether to compare the distributions of columns too.
        passed_over: columns that are no payload.

    Raises:
        UsageError: a side lacks the key.
    """
    frames = parts.frames()
    if frames is None:
        return TableDiff()
    left, right = frames
    found = compare(left, right, key, ignore=passed_over)
    ours, theirs = parts.left.columns(), parts.right.columns()
    schema = Schemas({}, {}, {}) if ours is None or theirs is None else schemas(ours, theirs)
    told = TableDiff(found, schema, before=left, after=right)
    if not columns:
        return told
    reference, where = _reference(parts, left, found)
    if reference is None or not found.right:
        return told
    shared = set(reference.collect_schema())
    names = [
        name
        for name in right.collect_schema()
        if name in shared and name not in {*key, *passed_over}
    ]
    return TableDiff(found, schema, shifts(reference, right, names), where, left, right)


def _reference(
    parts: Sources, left: pl.LazyFrame, found: RowChanges
) -> tuple[pl.LazyFrame | None, str]:
    """What new rows are compared with: the old ones in their place, else all there are."""
    return (left, NEAR) if found.left else (parts.left.whole(), ALL)
