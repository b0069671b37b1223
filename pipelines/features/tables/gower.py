"""Gower's distance between rows of tables (Gower 1971, Biometrics 27: 857-871).

The distance of two rows is the mean over the columns. A number or time counts as the difference
over the width of its column, at most 1; a category as 0 where it is equal, else 1. Two deviations
from the paper are of use here: the width is that between the 1st and the 99th percentile of the
reference, so that one outlier does not make all others near; and null is a value, at distance 1
from any other, because rows that lack different values are not the same row.

Rows are searched by compiled loops. Where the distance asked for leaves no room for one unequal
category, only rows with the same categories and nulls are compared, and of these only such whose
first number is near; memory grows with the rows, never with their pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.compiling import compiled
from pipelines.features.tables import boxes, kernels, kinds

NEAR: Final = 0.005
"""Distance up to which rows count as near-duplicates, unless a data set says otherwise."""
CLOSEST: Final = 8
"""Near real rows that are kept of each row."""
WIDE: Final = 1.0
"""Sum of distances from which on a category may differ."""

Rows = NDArray[np.int64]
Distances = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """Rows as scaled numbers [n, a], NaN for null, and codes of categories [n, b], -1 for null."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.numbers.shape[1] + self.codes.shape[1])


def points(
    frames: Sequence[pl.DataFrame], columns: Sequence[str], reference: pl.DataFrame
) -> list[Points]:
    """Read rows of several frames so that they can be compared.

    Args:
        frames: with the same columns.
        columns: that count.
        reference: rows whose values give each column its width.
    """
    ordered = [name for name in columns if kinds.is_number(reference.schema[name])]
    others = [name for name in columns if name not in ordered]
    widths = [kinds.width(kinds.numbers(reference[name])) for name in ordered]
    scaled = [
        [kinds.numbers(frame[name]) / width for name, width in zip(ordered, widths, strict=True)]
        for frame in frames
    ]
    coded = list(zip(*(_codes([frame[name] for frame in frames]) for name in others), strict=True))
    return [
        Points(
            _stacked(scaled[at], len(frame)),
            _stacked(coded[at] if coded else (), len(frame)).astype(np.int64),
        )
        for at, frame in enumerate(frames)
    ]


def linked(rows: Points, near: float) -> Rows:
    """Find pairs that link near rows: one fewer for each group of them than it has rows.

    Args:
        rows: n rows.
        near: greatest distance.

    Returns:
        [pairs, 2] row numbers, the lower one first. Rows are in one group if a chain of near rows
        leads from one to the other; all pairs of a group could be as many as its rows squared.
    """
    limit, group = near * rows.columns, _groups(rows, rows, near)[0]
    key = _key(rows)
    values = _values(rows, key)
    order = np.lexsort((values, group))
    roots = np.arange(len(rows), dtype=np.int64)
    edges = np.empty((len(rows), 2), dtype=np.int64)
    count = np.zeros(1, dtype=np.int64)
    compiled(kernels.link)(
        rows.numbers, rows.codes, order, values, group, limit, limit < WIDE, roots, edges, count
    )
    return np.sort(edges[: count[0]], axis=1)


def closest(
    rows: Points, references: Points, count: int, near: float = 1.0, *, skip_self: bool = False
) -> tuple[Distances, Rows]:
    """Find the closest references of each row.

    Args:
        rows: n rows.
        references: m rows.
        count: of references of each row.
        near: greatest distance.
        skip_self: both are the same rows, and no row is its own reference.

    Returns:
        Distances and rows, [n, count] each, the closest first, ties by the lower row; NaN and -1
        where there are fewer.
    """
    sums = np.full((len(rows), count), np.inf)
    found = np.full((len(rows), count), -1, dtype=np.int64)
    fill = _fill_narrow if near * rows.columns < WIDE else _fill_wide
    fill(rows, references, near, skip_self, sums, found)
    distances = np.where(found >= 0, sums, np.nan) / max(rows.columns, 1)
    return distances, found


def _fill_narrow(  # noqa: PLR0917  arrays by position, as compiled code takes them
    rows: Points, references: Points, near: float, skip_self: bool, sums: Distances, found: Rows
) -> None:
    """Search where rows with other categories or nulls are too far away."""
    group, own = _groups(references, rows, near)
    key = _key(references)
    order = np.lexsort((_values(references, key), group))
    compiled(kernels.search)(
        rows.numbers, rows.codes, own, references.numbers, references.codes,
        order, group, key, near * rows.columns, True, skip_self, sums, found,
    )  # fmt: skip


def _fill_wide(  # noqa: PLR0917  arrays by position, as compiled code takes them
    rows: Points, references: Points, near: float, skip_self: bool, sums: Distances, found: Rows
) -> None:
    """Search where rows can differ in anything."""
    tree = boxes.build(references.numbers, references.codes)
    compiled(kernels.search_boxes)(
        rows.numbers, rows.codes, references.numbers, references.codes, tree.order, tree.span,
        tree.child, tree.edges, tree.nulls, tree.codes, near * rows.columns, skip_self, sums, found,
    )  # fmt: skip


def _codes(columns: Sequence[pl.Series]) -> list[NDArray[np.int64]]:
    """Number the categories of a column in several frames alike; null is -1."""
    texts = [column.cast(pl.String) for column in columns]
    levels = pl.concat([each.rename("value") for each in texts]).drop_nulls().unique().sort()
    if levels.is_empty():
        return [np.full(len(each), -1, dtype=np.int64) for each in texts]
    numbered = pl.Series(range(len(levels)), dtype=pl.Int64)
    return [
        each.replace_strict(levels, numbered, default=-1, return_dtype=pl.Int64)
        .fill_null(-1)
        .to_numpy()
        for each in texts
    ]


def _stacked(columns: Sequence[NDArray[Any]], count: int) -> NDArray[np.float64]:
    if not columns:
        return np.empty((count, 0))
    return np.ascontiguousarray(np.stack(columns, axis=1).astype(np.float64))


def _groups(references: Points, rows: Points, near: float) -> tuple[Rows, Rows]:
    """Number rows so that only rows of one number can be near; all 0 where any two can."""
    if near * rows.columns >= WIDE:
        return np.zeros(len(references), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    whole = [np.hstack([each.codes, np.isnan(each.numbers)]) for each in (references, rows)]
    _, group = np.unique(np.vstack(whole), axis=0, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    return group[: len(references)], group[len(references) :]


def _key(rows: Points) -> int:
    """Return the number with the most distinct values; -1 if there is no number."""
    distinct = [len(np.unique(column)) for column in rows.numbers.T]
    return int(np.argmax(distinct)) if distinct else -1


def _values(rows: Points, key: int) -> NDArray[np.float64]:
    """Return one number of each row, [n]; 0 for null, and where there is none."""
    if key < 0:
        return np.zeros(len(rows))
    return np.nan_to_num(rows.numbers[:, key], nan=0.0)
