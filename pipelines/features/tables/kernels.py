"""Loops over pairs of rows, compiled by `lineage.ancestry.compiling`; they call nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ROUNDING: Final = 1e-9
"""By how much a sum of distances may pass its limit, which is a product of rounded numbers."""

Rows = NDArray[np.int64]
Values = NDArray[np.float64]


def link(  # noqa: C901, PLR0912, PLR0917  compiled code takes arrays by position, and calls nothing
    numbers: Values,
    codes: Rows,
    order: Rows,
    key: Values,
    group: Rows,
    limit: float,
    narrow: bool,
    roots: Rows,
    edges: Rows,
    count: Rows,
) -> None:
    """Join rows whose summed distance is within the limit, in a forest (Tarjan 1975).

    Args:
        numbers: [n, a], NaN for null.
        codes: [n, b].
        order: [n] rows by group, then by key.
        key: [n] first number of each row.
        group: [n]; rows of different groups are never near.
        limit: greatest sum of distances.
        narrow: the key alone must differ by less.
        roots: [n], each row itself; becomes the forest.
        edges: [n, 2], gets the pairs that join two trees.
        count: [1], gets their number.
    """
    for position in range(len(order)):
        one = order[position]
        for later in range(position + 1, len(order)):
            two = order[later]
            if group[two] != group[one] or (narrow and key[two] - key[one] > limit + ROUNDING):
                break
            total = 0.0
            for column in range(codes.shape[1]):
                if codes[one, column] != codes[two, column]:
                    total += 1.0
            for column in range(numbers.shape[1]):
                if total > limit + ROUNDING:
                    break
                left, right = numbers[one, column], numbers[two, column]
                if np.isnan(left) or np.isnan(right):
                    total += 0.0 if np.isnan(left) and np.isnan(right) else 1.0
                else:
                    total += min(abs(left - right), 1.0)
            if total > limit + ROUNDING:
                continue
            left_root, right_root = one, two
            while roots[left_root] != left_root:
                roots[left_root] = roots[roots[left_root]]
                left_root = roots[left_root]
            while roots[right_root] != right_root:
                roots[right_root] = roots[roots[right_root]]
                right_root = roots[right_root]
            if left_root != right_root:
                roots[max(left_root, right_root)] = min(left_root, right_root)
                edges[count[0], 0], edges[count[0], 1] = one, two
                count[0] += 1


def search(  # noqa: C901, PLR0912, PLR0917  compiled code calls nothing
    numbers: Values,
    codes: Rows,
    own: Rows,
    reference_numbers: Values,
    reference_codes: Rows,
    order: Rows,
    group: Rows,
    key: int,
    limit: float,
    narrow: bool,
    skip_self: bool,
    sums: Values,
    found: Rows,
) -> None:
    """Find the references of least summed distance of each row, ties by the lower reference.

    Args:
        numbers: [n, a] of the rows, NaN for null.
        codes: [n, b] of the rows.
        own: [n] group of each row.
        reference_numbers: [m, a].
        reference_codes: [m, b].
        order: [m] references by group, then by the number `key`, null as 0.
        group: [m] group of each reference.
        key: number by which they are in order; negative: there is none.
        limit: greatest sum of distances.
        narrow: the key alone must differ by less.
        skip_self: a row is not its own reference.
        sums: [n, k], infinite; gets the sums, the least first.
        found: [n, k], -1; gets the references.
    """
    kept = sums.shape[1]
    for row in range(len(own)):
        at_key = 0.0
        if key >= 0 and not np.isnan(numbers[row, key]):
            at_key = numbers[row, key]
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            other = order[middle]
            value = 0.0
            if key >= 0 and not np.isnan(reference_numbers[other, key]):
                value = reference_numbers[other, key]
            before = group[other] < own[row] or (
                narrow and group[other] == own[row] and value < at_key - limit - ROUNDING
            )
            if before:
                low = middle + 1
            else:
                high = middle
        for position in range(low, len(order)):
            other = order[position]
            if group[other] != own[row]:
                break
            if narrow and key >= 0 and reference_numbers[other, key] > at_key + limit + ROUNDING:
                break
            if skip_self and other == row:
                continue
            bound = min(limit + ROUNDING, sums[row, kept - 1])
            total = 0.0
            for column in range(codes.shape[1]):
                if codes[row, column] != reference_codes[other, column]:
                    total += 1.0
            for column in range(numbers.shape[1]):
                if total > bound:
                    break
                left, right = numbers[row, column], reference_numbers[other, column]
                if np.isnan(left) or np.isnan(right):
                    total += 0.0 if np.isnan(left) and np.isnan(right) else 1.0
                else:
                    total += min(abs(left - right), 1.0)
            if total > bound or (total == sums[row, kept - 1] and other > found[row, kept - 1]):
                continue
            place = kept - 1
            while place > 0 and (
                sums[row, place - 1] > total
                or (sums[row, place - 1] == total and found[row, place - 1] > other)
            ):
                sums[row, place], found[row, place] = sums[row, place - 1], found[row, place - 1]
                place -= 1
            sums[row, place], found[row, place] = total, other


def search_boxes(  # noqa: C901, PLR0912, PLR0915, PLR0917  compiled code calls nothing
    numbers: Values,
    codes: Rows,
    reference_numbers: Values,
    reference_codes: Rows,
    order: Rows,
    span: Rows,
    child: Rows,
    edges: NDArray[np.float64],
    nulls: NDArray[np.bool_],
    box_codes: Rows,
    limit: float,
    skip_self: bool,
    sums: Values,
    found: Rows,
) -> None:
    """Find the same references as `search`, and pass over boxes that are too far away.

    Args:
        numbers: [n, a] of the rows, NaN for null.
        codes: [n, b] of the rows.
        reference_numbers: [m, a].
        reference_codes: [m, b].
        order: as `boxes.Boxes`, and so are `span`, `child`, `edges`, `nulls`; `box_codes` are its
            `codes`.
        span: see there.
        child: see there.
        edges: see there.
        nulls: see there.
        box_codes: see there.
        limit: greatest sum of distances.
        skip_self: a row is not its own reference.
        sums: [n, k], infinite; gets the sums, the least first.
        found: [n, k], -1; gets the references.
    """
    kept = sums.shape[1]
    waiting = np.empty(len(child) + 2, dtype=np.int64)
    least = np.empty(len(child) + 2, dtype=np.float64)
    for row in range(len(numbers)):
        waiting[0], least[0] = 0, 0.0
        count = 1
        while count > 0:
            count -= 1
            box = waiting[count]
            if least[count] > min(limit, sums[row, kept - 1]) + ROUNDING:
                continue
            if child[box] >= 0:
                for side in range(2):
                    inner = child[box] + side
                    bound = 0.0
                    for column in range(codes.shape[1]):
                        code = codes[row, column]
                        if code < box_codes[inner, column, 0] or code > box_codes[inner, column, 1]:
                            bound += 1.0
                    for column in range(numbers.shape[1]):
                        value = numbers[row, column]
                        if np.isnan(value):
                            bound += 0.0 if nulls[inner, column] else 1.0
                        elif value < edges[inner, column, 0]:
                            bound += min(edges[inner, column, 0] - value, 1.0)
                        elif value > edges[inner, column, 1]:
                            bound += min(value - edges[inner, column, 1], 1.0)
                    waiting[count], least[count] = inner, bound
                    count += 1
                if least[count - 2] < least[count - 1]:  # the nearer one is looked at first
                    waiting[count - 2], waiting[count - 1] = waiting[count - 1], waiting[count - 2]
                    least[count - 2], least[count - 1] = least[count - 1], least[count - 2]
                continue
            for position in range(span[box, 0], span[box, 1]):
                other = order[position]
                if skip_self and other == row:
                    continue
                bound = min(limit + ROUNDING, sums[row, kept - 1])
                total = 0.0
                for column in range(codes.shape[1]):
                    if codes[row, column] != reference_codes[other, column]:
                        total += 1.0
                for column in range(numbers.shape[1]):
                    if total > bound:
                        break
                    left, right = numbers[row, column], reference_numbers[other, column]
                    if np.isnan(left) or np.isnan(right):
                        total += 0.0 if np.isnan(left) and np.isnan(right) else 1.0
                    else:
                        total += min(abs(left - right), 1.0)
                if total > bound or (total == sums[row, kept - 1] and other > found[row, kept - 1]):
                    continue
                place = kept - 1
                while place > 0 and (
                    sums[row, place - 1] > total
                    or (sums[row, place - 1] == total and found[row, place - 1] > other)
                ):
                    sums[row, place] = sums[row, place - 1]
                    found[row, place] = found[row, place - 1]
                    place -= 1
                sums[row, place], found[row, place] = total, other
