"""Counts the values of a categorical column on both sides, and finds gained and lost ones."""

from __future__ import annotations

from typing import Final

import polars as pl

MOST: Final = 50
"""Distinct values up to which a column is categorical."""
OFTEN: Final = 2.0
"""Mean number of rows per value from which on a column is categorical."""
LONG: Final = 100
"""Characters of a value that are shown."""
NAMED: Final = 20
"""Gained and lost values that are listed."""


def few(old: pl.Series, new: pl.Series) -> bool:
    """Whether a column is categorical: it has few distinct values, each in several rows."""
    distinct = max(old.drop_nulls().n_unique(), new.drop_nulls().n_unique())
    rows = max(len(old), len(new))
    return distinct <= MOST and rows >= OFTEN * distinct


def counted(old: pl.Series, new: pl.Series) -> pl.DataFrame:
    """Count the rows of each value that is not null: value (String), before, after."""
    parts = [
        pl.DataFrame({"value": values.drop_nulls().cast(pl.String)}).group_by("value").len(name)
        for values, name in ((old, "before"), (new, "after"))
    ]
    both = parts[0].join(parts[1], on="value", how="full", coalesce=True)
    return both.with_columns(pl.col("before", "after").fill_null(0).cast(pl.Int64)).sort("value")


def gained(counts: pl.DataFrame) -> pl.Series:
    """Values that only the right side has, the most frequent first."""
    return _only(counts, "after", "before")


def lost(counts: pl.DataFrame) -> pl.Series:
    """Values that only the left side has, the most frequent first."""
    return _only(counts, "before", "after")


def _only(counts: pl.DataFrame, side: str, other: str) -> pl.Series:
    alone = counts.filter(pl.col(other) == 0)
    ordered = alone.sort(side, "value", descending=[True, False])
    return ordered["value"].str.head(LONG)
