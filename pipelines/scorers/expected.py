"""What can be expected of a scorer's columns: from this, suites are written.

A scorer knows what its columns mean, and in which direction they are good or bad; how large a value
is usual only real data can tell. So a scorer names its expectations, with limits that are constants
or quantiles of the scores of real training rows, and whoever writes a suite measures the quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["critical", "warning"]


@dataclass(frozen=True, slots=True)
class Quantile:
    """A limit that is measured: a quantile of the scores of real training rows.

    Each row is scored as a candidate would be that the scorer has never seen: out of fold.
    """

    share: float
    """Of the rows that lie at or below it, in [0, 1]."""
    factor: float = 1.0
    """By which the quantile is multiplied."""
    most: float | None = None
    """The largest limit: a smaller quantile counts, and a larger one does not."""
    least: float | None = None
    """The smallest limit: a larger quantile counts, and a smaller one does not."""


Limit: TypeAlias = float | Quantile


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation about a column of scores; without a limit: that it has a value.

    A column with an expectation is also expected to have a value in each row.
    """

    name: str
    """Of the expectation, in verdicts and reasons, such as `not_a_copy`."""
    column: str
    low: Limit | None = None
    """Least value that passes."""
    high: Limit | None = None
    """Largest value that passes."""
    strict: bool = False
    """A value at the limit does not pass."""
    equals: str | None = None
    """Column whose value it must have in each row."""
    values: tuple[bool | int | float | str, ...] | None = None
    """Values that pass."""
    common: float | None = None
    """Instead of `values`: those that at least this share of the real training rows has."""
    severity: Severity = "critical"
    """Of an expectation that nearly all real training rows meet."""
    unknown: Severity = "critical"
    """Of the expectation that there is a value, where this one is critical."""
