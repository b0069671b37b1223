"""Loops that numpy cannot express; `compiling` turns them into machine code.

They are bound by memory latency, since the parents of a row may be anywhere. So the parents of
later edges are prefetched while an edge is processed.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry.segments import ACCEPTED, DECISION, KIND, REAL

AHEAD: Final = 24
"""Edges between the one that is prefetched and the one that is processed."""


def prefetch(values: NDArray[Any], position: int) -> None:
    """Prefetch an element of [n], or a row of [n, m]; in plain Python this does nothing."""


def derive(  # noqa: PLR0917  compiled code takes arrays by position
    start: NDArray[Any],
    parent: NDArray[Any],
    weight: NDArray[np.float32],
    bounds: NDArray[np.int64],
    shifts: NDArray[np.int64],
    flags: NDArray[np.uint8],
    mix: NDArray[Any],
    models: NDArray[np.float64],
    tolerance: float,
    values: NDArray[np.float64],
    base: int,
    shares: NDArray[np.float64],
    depths: NDArray[np.int64],
    has_depths: NDArray[np.uint8],
    sums: NDArray[np.float64],
) -> None:
    """Derive the rows of a segment whose parents are derived already.

    Args:
        start: of `parent` and `weight`, where the edges of each row start.
        parent: local numbers.
        weight: of each edge.
        bounds: of the runs of local numbers.
        shifts: of these runs.
        flags: of each row.
        mix: of each row, its place in `models`; a greater one is an opaque model.
        models: [m, 5]: real share, real roots, mean, least and greatest depth of each mix.
        tolerance: a smaller rest is none.
        values: [rows of the commit + 1, 4]: real roots, mean, least and greatest depth; the last
            is that of an absent parent. Depths of rows from which no walk ends at a real sample are
            0, infinity and minus infinity.
        base: number of the first row.
        shares: [3, rows], filled in: real inputs, real roots, mean depth.
        depths: [2, rows], filled in: least and greatest depth.
        has_depths: filled in: a bit for each row, whether it has depths.
        sums: [6], filled in, of the accepted rows: how many are real, how many are not; of these
            the sum of real roots, and of real roots times depth; least and greatest depth of all.
    """
    last = len(parent) - 1
    for row in range(len(flags)):
        weights, real, ending, length, low, high = 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for edge in range(start[row], start[row + 1]):
            local = np.int64(parent[min(edge + AHEAD, last)])
            run = 0 if local < bounds[1] else np.searchsorted(bounds, local, side="right") - 1
            prefetch(values, local + shifts[run])
            local, w = np.int64(parent[edge]), np.float64(weight[edge])
            run = 0 if local < bounds[1] else np.searchsorted(bounds, local, side="right") - 1
            position = local + shifts[run]
            weights += w
            ending += w * values[position, 0]
            length += w * values[position, 0] * (1.0 + values[position, 1])
            if w > 0.0:
                real += w * (values[position, 3] == 0.0)  # only a real row has no depth
                low, high = min(low, values[position, 2]), max(high, values[position, 3])
        rest = 1.0 - weights
        if rest > tolerance and mix[row] < len(models):
            position = np.int64(mix[row])
            real += rest * models[position, 0]
            ending += rest * models[position, 1]
            length += rest * models[position, 1] * (1.0 + models[position, 2])
            low, high = min(low, models[position, 3]), max(high, models[position, 4])
        mean, low, high = (length / ending if ending > 0.0 else 0.0), low + 1.0, high + 1.0
        if flags[row] & KIND == REAL:
            real, ending, mean, low, high = 1.0, 1.0, 0.0, 0.0, 0.0
        ending = min(max(ending, 0.0), 1.0)
        position = base + row
        values[position, 0], values[position, 1], values[position, 2], values[position, 3] = (
            ending,
            mean,
            low,
            high,
        )
        shares[0, row], shares[1, row] = min(max(real, 0.0), 1.0), ending
        if high >= 0.0:
            shares[2, row], depths[0, row], depths[1, row] = mean, np.int64(low), np.int64(high)
            has_depths[row >> 3] |= np.uint8(1 << (row & 7))
        if flags[row] & DECISION == ACCEPTED:
            other = 0.0 if flags[row] & KIND == REAL else 1.0
            sums[0] += 1.0 - other
            sums[1] += other
            sums[2] += other * ending
            sums[3] += other * ending * mean
            sums[4], sums[5] = min(sums[4], low), max(sums[5], high)


def flow(  # noqa: PLR0917  compiled code takes arrays by position
    start: NDArray[Any],
    parent: NDArray[Any],
    weight: NDArray[np.float32],
    bounds: NDArray[np.int64],
    shifts: NDArray[np.int64],
    flags: NDArray[np.uint8],
    mix: NDArray[Any],
    tolerance: float,
    mass: NDArray[np.float64],
    base: int,
    models: NDArray[np.float64],
) -> None:
    """Move the mass of a segment's rows to their inputs; mass at real rows stays.

    Args:
        start: of `parent` and `weight`, where the edges of each row start.
        parent: local numbers.
        weight: of each edge.
        bounds: of the runs of local numbers.
        shifts: of these runs.
        flags: of each row.
        mix: of each row, its place in `models`; a greater one is an opaque model.
        tolerance: a smaller rest is none.
        mass: [rows of the commit + 1], changed; the last takes what flows to absent parents.
        base: number of the first row.
        models: [m + 1], filled in: what flows to each mix, and to opaque models.
    """
    last = len(parent) - 1
    for row in range(len(flags)):
        here = mass[base + row]
        if here == 0.0 or flags[row] & KIND == REAL:
            continue
        weights = 0.0
        for edge in range(start[row], start[row + 1]):
            local = np.int64(parent[min(edge + AHEAD, last)])
            run = 0 if local < bounds[1] else np.searchsorted(bounds, local, side="right") - 1
            prefetch(mass, local + shifts[run])
            local, w = np.int64(parent[edge]), np.float64(weight[edge])
            run = 0 if local < bounds[1] else np.searchsorted(bounds, local, side="right") - 1
            weights += w
            mass[local + shifts[run]] += here * w
        rest = 1.0 - weights
        if rest > tolerance:
            models[mix[row] if mix[row] < len(models) else -1] += here * rest
        mass[base + row] = 0.0
