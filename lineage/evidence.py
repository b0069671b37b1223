"""What the guard judges, and what it answers: evidence about a round, and checks.

Evidence may be incomplete or broken; reading it never fails, a figure that is not there is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from lineage.manifest import MixManifest

PREFIX: Final = 12
"""Hex digits by which evidence names a sample; enough for `stemma audit`."""
NAMED: Final = 3
"""Samples that evidence names; it counts the rest."""

Verdict = Literal["pass", "warn", "block"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the guard."""

    name: str
    value: float | None
    """The figure; None if it could not be computed."""
    limit: str
    """What the figure is held against, in words."""
    verdict: Verdict
    evidence: str
    """What the figure is made of; names samples where it is about samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is known about a round when the guard judges it."""

    dataset: str
    round: int
    lineage: pl.DataFrame
    """Lineage rows of the accepted samples."""
    mix: MixManifest
    """The next training mix: the regime of this round, with this round in it."""
    counts: Mapping[str, Any]
    """candidates, accepted, rejected, duplicate."""
    copies: pl.DataFrame
    """Accepted samples equal or near to real training rows: sample_id, row, equal, real_row."""
    leaks: pl.DataFrame
    """Accepted samples equal or near to held-out rows: sample_id, row, equal."""
    metrics: Mapping[str, Any]
    """Figures as evaluate wrote them: round, mix, accuracy, difference; each with value, low, high,
    null."""
    held_out_ancestors: pl.DataFrame | None = None
    """Occurrences (dataset, round, row) that are equal or near to held-out rows, or descend from
    such ones; None: nobody looked."""
    calibration: Mapping[str, Any] | None = None
    """What is known about the verifier: `suite`, the digest of the suite that the round was
    verified with; and keep_correct (φ), keep_wrong (ψ), error (p) and threshold (p*), each with
    value, low and high, with source, round and kind of the audit. Where the suite was not audited
    there is `void` instead, how many audits of other suites there are."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the ends of its interval, and what it is made of."""

    value: float | None
    low: float | None
    high: float | None
    detail: str


def exact(value: float | None, detail: str) -> Figure:
    """A figure that is counted, not estimated."""
    return Figure(value, value, value, detail)


def number(content: object, *path: str) -> float | None:
    """The finite number at a path of nested mappings, or None."""
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    if isinstance(content, bool) or not isinstance(content, int | float):
        return None
    try:
        value = float(content)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def mean(frame: pl.DataFrame, column: str) -> float | None:
    """Mean of a column; None if it is not there, empty, or has a value that is no number."""
    if column not in frame.columns or frame.is_empty():
        return None
    values = frame[column]
    if not values.dtype.is_numeric() or values.null_count():
        return None
    return number(values.cast(pl.Float64).mean())


def samples(frame: pl.DataFrame) -> str:
    """Name the first samples of a frame by the start of their ids."""
    if "sample_id" not in frame.columns or frame.is_empty():
        return ""
    ids = frame["sample_id"].head(NAMED).cast(pl.Binary).bin.encode("hex").str.head(PREFIX)
    more = [f"and {len(frame) - NAMED:,} more"] if len(frame) > NAMED else []
    return ", ".join([*(prefix or "without id" for prefix in ids), *more])
