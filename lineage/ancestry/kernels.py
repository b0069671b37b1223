"""The loops that numpy has no words for, compiled by numba when they are first used.

What is compiled is kept on disk, beside this file or where `NUMBA_CACHE_DIR` says; where neither
can be written, each process compiles for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@cache
def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile one of the functions below."""
    import numba  # noqa: PLC0415  slow to import, and only whole lakes need it

    try:
        found: Callable[..., None] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place to keep it
        found = numba.njit(nogil=True)(function)
    return found


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
    known: NDArray[np.uint8],
) -> None:
    """Derive the rows of a segment whose parents are derived.

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
        known: filled in: a bit for each row, whether it has depths.
    """
    for row in range(len(flags)):
        weights, real, ending, length, low, high = 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for edge in range(start[row], start[row + 1]):
            local, first, last = np.int64(parent[edge]), 0, len(bounds)
            while last - first > 1:
                middle = (first + last) >> 1
                first, last = (middle, last) if local >= bounds[middle] else (first, middle)
            input_, w = values[local + shifts[first]], np.float64(weight[edge])
            weights += w
            ending += w * input_[0]
            length += w * input_[0] * (1.0 + input_[1])
            if w > 0.0:
                real += w * (input_[3] == 0.0)  # only a real row has no depth
                low, high = min(low, input_[2]), max(high, input_[3])
        rest = 1.0 - weights
        if rest > tolerance and mix[row] < len(models):
            model = models[mix[row]]
            real += rest * model[0]
            ending += rest * model[1]
            length += rest * model[1] * (1.0 + model[2])
            low, high = min(low, model[3]), max(high, model[4])
        mean, low, high = (length / ending if ending > 0.0 else 0.0), low + 1.0, high + 1.0
        if flags[row] & 3 == 0:  # real
            real, ending, mean, low, high = 1.0, 1.0, 0.0, 0.0, 0.0
        ending = min(max(ending, 0.0), 1.0)
        at = base + row
        values[at, 0], values[at, 1], values[at, 2], values[at, 3] = ending, mean, low, high
        shares[0, row], shares[1, row] = min(max(real, 0.0), 1.0), ending
        if high >= 0.0:
            shares[2, row], depths[0, row], depths[1, row] = mean, np.int64(low), np.int64(high)
            known[row >> 3] |= np.uint8(1 << (row & 7))


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
    """Let the mass of a segment's rows flow to their inputs; that of real rows stays.

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
    for row in range(len(flags)):
        here = mass[base + row]
        if here == 0.0 or flags[row] & 3 == 0:
            continue
        weights = 0.0
        for edge in range(start[row], start[row + 1]):
            local, first, last = np.int64(parent[edge]), 0, len(bounds)
            while last - first > 1:
                middle = (first + last) >> 1
                first, last = (middle, last) if local >= bounds[middle] else (first, middle)
            w = np.float64(weight[edge])
            weights += w
            mass[local + shifts[first]] += here * w
        rest = 1.0 - weights
        if rest > tolerance:
            models[mix[row] if mix[row] < len(models) else -1] += here * rest
        mass[base + row] = 0.0
