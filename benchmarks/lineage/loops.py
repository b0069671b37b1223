"""The floor's loops where there is no C compiler: what floor.c does, compiled by numba.

The functions take floor.c's arguments; see there what each step means.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from lineage.edges import TOLERANCE

Array = NDArray[Any]
_MOST: Final = np.iinfo(np.int32).max


def derive(  # noqa: PLR0917  compiled code takes arrays by position
    rounds: int,
    stride: int,
    offsets: Array,
    parents: Array,
    weights: Array,
    mixes: Array,
    mass: Array,
    first: Array,
    real_inputs: Array,
    real_roots: Array,
    depth_mean: Array,
    depth_min: Array,
    depth_max: Array,
) -> None:
    """Derive every column; arguments as in floor.c."""
    length = np.zeros(rounds * stride)
    totals = np.zeros((rounds, 4))
    depths = np.full((rounds, 2), _MOST)
    depths[:, 1] = -1
    real_inputs[:stride] = real_roots[:stride] = 1
    depth_mean[:stride] = depth_min[:stride] = depth_max[:stride] = 0
    _sum_up(0, stride, mass, real_roots, length, depth_min, depth_max, totals, depths)
    for number in range(1, rounds):
        mix = _mixed(totals, depths, first[number], number)
        for slot in range(number * stride, (number + 1) * stride):
            weight = real = roots = walked = 0.0
            low, high = _MOST, -1
            for at in range(offsets[slot], offsets[slot + 1]):
                parent, each = parents[at], np.float64(weights[at])
                weight += each
                real += each * (parent < stride)
                roots += each * real_roots[parent]
                walked += each * (length[parent] + real_roots[parent])
                if each > 0 and depth_max[parent] >= 0:
                    low, high = min(low, depth_min[parent]), max(high, depth_max[parent])
            rest = 1.0 - weight
            if mixes[slot] and rest > TOLERANCE:
                real += rest * mix[0]
                roots += rest * mix[1]
                walked += rest * (mix[2] + mix[1])
                if mix[4] >= 0:
                    low, high = min(low, mix[3]), max(high, mix[4])
            real_inputs[slot], real_roots[slot], length[slot] = real, roots, walked
            depth_mean[slot] = walked / roots if roots > 0 else 0
            depth_min[slot], depth_max[slot] = (low + 1, high + 1) if high >= 0 else (_MOST, -1)
        _sum_up(number, stride, mass, real_roots, length, depth_min, depth_max, totals, depths)


@register_jitable
def _mixed(
    totals: Array, depths: Array, first: int, last: int
) -> tuple[float, float, float, int, int]:
    """Shares over the mix of some rounds: real, roots, length, and the depths."""
    sums = totals[first:last].sum(axis=0)
    weight = sums[0] if sums[0] > 0 else 1.0
    low, high = depths[first:last, 0].min(), depths[first:last, 1].max()
    return sums[1] / weight, sums[2] / weight, sums[3] / weight, low, high


@register_jitable
def _sum_up(  # noqa: PLR0917  compiled code takes arrays by position
    number: int,
    stride: int,
    mass: Array,
    roots: Array,
    length: Array,
    depth_min: Array,
    depth_max: Array,
    totals: Array,
    depths: Array,
) -> None:
    """Sum a round's rows up by their mass: weight, real, roots and length, and the depths."""
    for slot in range(number * stride, (number + 1) * stride):
        held = np.float64(mass[slot])
        if held > 0:
            totals[number, 0] += held
            totals[number, 1] += held * (number == 0)
            totals[number, 2] += held * roots[slot]
            totals[number, 3] += held * length[slot]
            depths[number, 0] = min(depths[number, 0], depth_min[slot])
            depths[number, 1] = max(depths[number, 1], depth_max[slot])


def descend(rounds: int, stride: int, offsets: Array, parents: Array, marks: Array) -> None:
    """Mark the starts' descendants."""
    for slot in range(rounds * stride):
        for at in range(offsets[slot], offsets[slot + 1]):
            marks[slot] |= marks[parents[at]]


def descend_indirectly(  # noqa: PLR0917  compiled code takes arrays by position
    rounds: int,
    stride: int,
    offsets: Array,
    parents: Array,
    weights: Array,
    mixes: Array,
    mass: Array,
    first: Array,
    held: Array,
    marks: Array,
) -> None:
    """Mark descendants with 1, and with 2 what a mix or a parent of mark 2 gives."""
    for number in range(rounds):
        mix = number > 0 and held[first[number] : number].any()
        for slot in range(number * stride, (number + 1) * stride):
            found, weight = marks[slot], 0.0
            for at in range(offsets[slot], offsets[slot + 1]):
                found |= marks[parents[at]]
                weight += weights[at]
            indirect = mix and mixes[slot] > 0 and 1.0 - weight > TOLERANCE
            marks[slot] = 1 if found & 1 else (2 if found or indirect else 0)
            held[number] |= mass[slot] > 0 and marks[slot] > 0
