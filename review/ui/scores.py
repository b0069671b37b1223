"""Order and ranges by what scorers wrote about the candidates of a round, and a small histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from review.errors import UsageError
from review.ui.filters import Filters

BARS: Final = 32
"""Bars of a histogram."""
PLACES: Final = ("row", "round", "_row", "_round")
"""Ends of the names of columns that name another row, and measure nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram."""

    rows: int
    height: float
    """In [0, 1]; the highest bar has 1."""
    within: bool
    """Whether the chosen range holds a value of it."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the values of a score are distributed over the rows that match the other filters."""

    score: str
    least: float
    most: float
    bars: tuple[Bar, ...]
    rows: int
    """Rows with a score."""
    missing: int
    """Rows without a score."""


def names(scores: pl.LazyFrame | None) -> tuple[str, ...]:
    """The columns of numbers that scorers wrote, without those that name another row."""
    if scores is None:
        return ()
    schema = scores.collect_schema()
    return tuple(
        name
        for name, dtype in schema.items()
        if not name.endswith(PLACES) and (dtype.is_numeric() or dtype == pl.Boolean)
    )


def within(
    scores: pl.LazyFrame | None, filters: Filters, lineage: pl.LazyFrame
) -> list[pl.LazyFrame]:
    """Select the rows whose score is in the range of filters; none where they have no range.

    Raises:
        UsageError: there is no such score.
    """
    if filters.score is None:
        return []
    value = _value(scores, filters.score)
    conditions = []
    if filters.least is not None:
        conditions.append(value >= filters.least)
    if filters.most is not None:
        conditions.append(value <= filters.most)
    if not conditions or scores is None:
        return []
    known = scores.filter(*conditions).select("row")
    # The other tables may have rows of another integer type.
    return [known.with_columns(pl.col("row").cast(lineage.collect_schema()["row"]))]


def by_score(
    scores: pl.LazyFrame | None, rows: pl.LazyFrame, name: str, order: str
) -> pl.DataFrame:
    """Sort rows by a score, those of the same score by row, and those without one last.

    Returns:
        Columns row and value.

    Raises:
        UsageError: there is no such score.
    """
    value = _value(scores, name)
    assert scores is not None  # noqa: S101  for the type; `_value` has refused it
    valued = scores.select("row", value.alias("value"))
    joined = rows.select(pl.col("row").cast(pl.Int64)).join(
        valued.with_columns(pl.col("row").cast(pl.Int64)), on="row", how="left"
    )
    descending = [order == "down", False]
    return joined.sort("value", "row", descending=descending, nulls_last=True).collect()


def histogram(scores: pl.LazyFrame | None, rows: pl.LazyFrame, filters: Filters) -> Histogram:
    """Count the values of the chosen score.

    Args:
        scores: of the round.
        rows: the rows that match the other filters.
        filters: with a score.

    Raises:
        UsageError: there is no such score.
    """
    name = str(filters.score)
    values = by_score(scores, rows, name, "up")["value"]
    known = values.drop_nulls()
    if known.is_empty():
        return Histogram(name, 0.0, 0.0, (), 0, len(values))
    least, most = float(known[0]), float(known[-1])
    # In halves, since the difference of two numbers may be too large for one.
    least_half, half = least / 2, (most / 2 - least / 2) / BARS
    at = ((known / 2 - least_half) / half).floor() if half else pl.Series([0] * len(known))
    counted = at.cast(pl.Int64).clip(0, BARS - 1).value_counts()
    counts = dict(counted.iter_rows())
    highest = max(counts.values())
    bars = tuple(
        Bar(
            rows=counts.get(index, 0),
            height=counts.get(index, 0) / highest,
            within=(filters.least is None or least_half + (index + 1) * half >= filters.least / 2)
            and (filters.most is None or least_half + index * half <= filters.most / 2),
        )
        for index in range(BARS if half else 1)
    )
    return Histogram(name, least, most, bars, len(known), len(values) - len(known))


def _value(scores: pl.LazyFrame | None, name: str) -> pl.Expr:
    """A score as a number, null where it is missing or not finite.

    Raises:
        UsageError: there is no such score.
    """
    if name not in names(scores):
        raise UsageError(f"there is no score {name[:40]!r} to filter or sort by")
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value.is_finite()).then(value)
