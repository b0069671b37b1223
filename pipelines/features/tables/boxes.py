"""A tree of boxes around rows, by which rows that cannot be among the closest are passed over.

Gower's distance is a sum over columns, and what a column gives is least at the edge of a box. So
the sum of these is a lower bound of the distance to every row in the box (a k-d tree: Friedman,
Bentley & Finkel 1977, ACM TOMS 3(3)). Boxes are halved at the median of a column, categories and
nulls first, until few rows are left. The search stays exact, ties included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAF: Final = 32
"""Rows of a box that is not halved."""

Rows = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes, the outermost first; those inside of one are its children."""

    order: Rows
    """[m] rows, box by box."""
    span: Rows
    """[boxes, 2] first position in `order`, and the one after the last."""
    child: Rows
    """[boxes] number of the first of its two children; -1: it has none."""
    edges: Values
    """[boxes, a, 2] least and greatest number of each column; infinite and minus infinite where
    there is none."""
    nulls: NDArray[np.bool_]
    """[boxes, a] whether a number is null."""
    codes: Rows
    """[boxes, b, 2] least and greatest code of each category."""


def build(numbers: Values, codes: Rows) -> Boxes:
    """Put rows into boxes.

    Args:
        numbers: [m, a], NaN for null.
        codes: [m, b].
    """
    order = np.arange(len(numbers), dtype=np.int64)
    spans, children = [(0, len(order))], [-1]
    for box, (start, stop) in enumerate(spans):  # grows while it is read
        halves = _halved(numbers, codes, order[start:stop])
        if halves is None:
            continue
        order[start:stop] = np.concatenate(halves)
        middle = start + len(halves[0])
        children[box] = len(spans)
        spans += [(start, middle), (middle, stop)]
        children += [-1, -1]
    bounds = list(_bounds(numbers, codes, order, spans))
    return Boxes(
        order=order,
        span=np.array(spans, dtype=np.int64),
        child=np.array(children, dtype=np.int64),
        edges=np.stack([each[0] for each in bounds]),
        nulls=np.stack([each[1] for each in bounds]),
        codes=np.stack([each[2] for each in bounds]),
    )


def _halved(numbers: Values, codes: Rows, rows: Rows) -> tuple[Rows, Rows] | None:
    """Halve rows by the column in which they differ most; None if they are few, or all alike."""
    if len(rows) <= LEAF:
        return None
    own, keys = numbers[rows], codes[rows]
    mixed = np.flatnonzero(keys.min(axis=0, initial=0) != keys.max(axis=0, initial=0))
    parts = [_parted(keys[:, at].astype(np.float64)) for at in mixed]
    null = np.isnan(own)
    parts += [null[:, at] for at in np.flatnonzero(null.any(axis=0) & ~null.all(axis=0))]
    parts = [each for each in parts if each.any() and not each.all()]
    low = max(parts, key=_smaller) if parts else _by_number(own)
    return None if low is None else (rows[low], rows[~low])


def _smaller(part: NDArray[np.bool_]) -> int:
    """Rows of the smaller half."""
    inside = int(np.count_nonzero(part))
    return min(inside, len(part) - inside)


def _by_number(own: Values) -> NDArray[np.bool_] | None:
    """Part rows without nulls in between at the median of the widest column."""
    if not own.shape[1]:
        return None
    known = ~np.isnan(own[0])
    width = np.where(known, np.ptp(np.where(known, own, 0.0), axis=0), 0.0)
    widest = int(np.argmax(width))
    return _parted(own[:, widest]) if width[widest] > 0 else None


def _parted(values: Values) -> NDArray[np.bool_]:
    """Whether each value is in the lower half; both have some, unless all values are equal."""
    median = np.partition(values, len(values) // 2)[len(values) // 2]
    low: NDArray[np.bool_] = values < median
    return low if low.any() else values <= median


def _bounds(
    numbers: Values, codes: Rows, order: Rows, spans: list[tuple[int, int]]
) -> Iterator[tuple[Values, NDArray[np.bool_], Rows]]:
    """Yield edges, nulls and codes of each box."""
    for start, stop in spans:
        own, keys = numbers[order[start:stop]], codes[order[start:stop]]
        null = np.isnan(own)
        low = np.where(null, np.inf, own).min(axis=0, initial=np.inf)
        high = np.where(null, -np.inf, own).max(axis=0, initial=-np.inf)
        largest = np.iinfo(np.int64).max
        first = keys.min(axis=0, initial=largest)
        last = keys.max(axis=0, initial=-largest)
        some: NDArray[np.bool_] = np.logical_or.reduce(null, axis=0)
        yield np.stack([low, high], axis=1), some, np.stack([first, last], axis=1)
