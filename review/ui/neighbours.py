"""The candidates beside a sample: before and after it in a list, and the nearest by its scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from review.ui import candidates, facets, review
from review.ui.filters import Filters

MEASURES: Final = ("distance", "similarity", "hamming")
"""Ends of the names of the columns that say how near a row is."""
CANDIDATE: Final = "candidate"


@dataclass(frozen=True, slots=True)
class InList:
    """Where a sample stands among the candidates that match filters."""

    place: int
    """From 1."""
    total: int
    before: int | None
    """The row before it; None: it is the first one."""
    after: int | None
    """The row after it; None: it is the last one."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A row that a scorer found to be the nearest one."""

    kind: str
    """real, or candidate: of the same round."""
    round: int
    row: int
    by: str
    """What was measured, such as `real_distance`."""
    value: float | None


def in_list(lake: Lake, commit: str, node: tuple[str, int, int], filters: Filters) -> InList | None:
    """Find where a sample stands; None where it is no candidate that matches the filters.

    Raises:
        UsageError: a filter names a column that is not there.
    """
    dataset, number, row = node
    try:
        _, available = review.opened(lake, commit, dataset, number)
        wanted = facets.meant(available, filters.first_page)
        rows = _rows(lake, commit, dataset, number, wanted)
    except NotFoundError:  # real rows, or a round whose candidates are gone
        return None
    at = rows.index_of(row)
    if at is None:
        return None
    before = int(rows[at - 1]) if at else None
    after = int(rows[at + 1]) if at + 1 < len(rows) else None
    return InList(at + 1, len(rows), before, after)


@lru_cache(maxsize=4)
def _rows(lake: Lake, commit: str, dataset: str, number: int, filters: Filters) -> pl.Series:
    source, _ = review.opened(lake, commit, dataset, number)
    return candidates.ordered(source, filters)


def nearest(lake: Lake, commit: str, node: tuple[str, int, int]) -> list[Nearest] | None:
    """The nearest rows that the scorers of a round have found, as the lake keeps them.

    A scorer names a row in `X_row`: with `X_round` it is a real row, and without it a candidate
    of the same round. `X_distance`, `X_similarity` or `X_hamming` says how near it is.

    Returns:
        None where no scorer of the round names nearest rows, so that nothing was measured.
    """
    dataset, number, row = node
    try:
        table = lake.scan(commit, refs.partition(dataset, "scores", number))
    except NotFoundError:
        return None
    columns = table.collect_schema().names()
    named = [name for name in columns if name.endswith("_row")]
    if not named:
        return None
    found = table.filter(pl.col("row") == row).collect()
    return [entry for name in named for entry in _named(name, columns, found, number)]


def _named(column: str, columns: list[str], scores: pl.DataFrame, number: int) -> Iterator[Nearest]:
    stem = column.removesuffix("_row")
    is_real = f"{stem}_round" in columns
    if len(scores) != 1 or not (is_real or stem.endswith(CANDIDATE)):
        return
    values: dict[str, Any] = scores.row(0, named=True)
    round_number = values[f"{stem}_round"] if is_real else number
    if values[column] is None or round_number is None:
        return
    names = [f"{stem}_{measure}" for measure in MEASURES if f"{stem}_{measure}" in columns]
    by = names[0] if names else stem
    yield Nearest(
        kind="real" if is_real else CANDIDATE,
        round=int(round_number),
        row=int(values[column]),
        by=by,
        value=values[by] if names else None,
    )
