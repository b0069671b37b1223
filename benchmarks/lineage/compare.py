"""Whether two engines found the same."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.lineage.engine import Result

RELATIVE: Final = 1e-9
ABSOLUTE: Final = 1e-12
"""Sums of doubles in another order differ by less."""


def difference(found: Result, ours: Result) -> str | None:
    """Say where a result differs from ours; None: nowhere."""
    if found.keys() != ours.keys():
        return f"has the columns {', '.join(found)} instead of {', '.join(ours)}"
    for name, expected in ours.items():
        said = _column(name, found, expected)
        if said is not None:
            return said
    return None


def _column(name: str, found: Result, expected: np.typing.NDArray[np.float64]) -> str | None:
    column = found[name]
    if len(column) != len(expected):
        return f"has {len(column):,} rows instead of {len(expected):,}"
    same = np.isclose(column, expected, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    if same.all():
        return None
    at = int(np.argmin(same))
    where = f" at slot {found['slot'][at]:.0f}" if "slot" in found and name != "slot" else ""
    more = int((~same).sum()) - 1
    return (
        f"has {name} {column[at]:.12g} instead of {expected[at]:.12g}{where}, {more:,} more differ"
    )
