"""Whether two engines found the same."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.lineage.engine import Result

RELATIVE: Final = 1e-9
ABSOLUTE: Final = 1e-12
"""Sums of doubles in another order differ by less."""


def difference(theirs: Result, ours: Result) -> str | None:
    """Say where a result differs from ours; None: nowhere."""
    if theirs.keys() != ours.keys():
        return f"has the columns {', '.join(theirs)} instead of {', '.join(ours)}"
    for name, expected in ours.items():
        problem = _column(name, theirs, expected)
        if problem is not None:
            return problem
    return None


def _column(name: str, theirs: Result, expected: np.typing.NDArray[np.float64]) -> str | None:
    column = theirs[name]
    if len(column) != len(expected):
        return f"has {len(column):,} rows instead of {len(expected):,}"
    same = np.isclose(column, expected, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    if same.all():
        return None
    position = int(np.argmin(same))
    where = (
        f" at slot {theirs['slot'][position]:.0f}" if "slot" in theirs and name != "slot" else ""
    )
    more = int((~same).sum()) - 1
    return (
        f"has {name} {column[position]:.12g} instead of {expected[position]:.12g}{where}, "
        f"{more:,} more differ"
    )
