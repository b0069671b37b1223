"""Values by which the candidates of a round can be filtered, with their number of rows."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from lake.visible import unmark
from review.ui import scores
from review.ui.candidates import Source
from review.ui.filters import Filters

MOST: Final = 30
"""Distinct values up to which a column is offered as a filter."""
GLANCE: Final = 2000
"""First rows in which a column must have few values before all of it is counted."""
HIDDEN: Final = ("round", "row", "sample_id")
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Facets:
    """Values with their number of rows, the most frequent first."""

    candidates: int
    decisions: Counts
    reasons: Counts
    """Expectations because of which rows were rejected or marked."""
    expectations: tuple[str, ...]
    """Expectations about single rows."""
    depths: Counts
    columns: Mapping[str, Counts]
    """Payload columns with few distinct values."""
    scores: tuple[str, ...] = ()
    """Columns of numbers that scorers wrote."""


def of_source(source: Source) -> Facets:
    """Count the values by which a round's candidates can be filtered."""
    lineage = source.lineage.select("depth_max").collect()
    decided: Counts = {}
    reasons: Counts = {}
    if source.decisions is not None:
        decisions = source.decisions.select("decision", "reasons", "warnings").collect()
        decided = _counted(decisions["decision"])
        named = pl.concat([decisions["reasons"].explode(), decisions["warnings"].explode()])
        reasons = _counted(named.drop_nulls())
    return Facets(
        candidates=len(lineage),
        decisions=decided,
        reasons=reasons,
        expectations=tuple(_expectations(source)),
        depths=_counted(lineage["depth_max"].drop_nulls()),
        columns=_columns(source.candidates),
        scores=scores.names(source.scores),
    )


def meant(available: Facets, filters: Filters) -> Filters:
    """Map filters that a form sends as the page shows them to the values of the data."""
    column = _meant(filters.column, available.columns)
    values = available.columns.get(column or "", {})
    return replace(
        filters,
        column=column,
        value=_meant(filters.value, values),
        reason=_meant(filters.reason, available.reasons),
        expectation=_meant(filters.expectation, available.expectations),
        score=_meant(filters.score, available.scores),
    )


def _meant(text: str | None, available: Container[str]) -> str | None:
    """The available value that a text stands for: with its line breaks or marks undone."""
    if text is None:
        return None
    with_newlines = text.replace("\r\n", "\n")
    readings = (text, with_newlines, unmark(text), unmark(with_newlines))
    return next((reading for reading in readings if reading in available), text)


def _expectations(source: Source) -> list[str]:
    """Expectations with a verdict on the first candidate, as all row expectations have one."""
    if source.verdicts is None:
        return []
    first = source.verdicts.filter(pl.col("row") == 0).select("expectation").collect()
    return sorted(first["expectation"].unique())


def _columns(candidates: pl.LazyFrame) -> dict[str, Counts]:
    schema = candidates.collect_schema()
    names = [
        name
        for name, dtype in schema.items()
        if name not in HIDDEN
        and (dtype.is_integer() or dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum))
    ]
    first_rows = candidates.select(names).head(GLANCE).collect()
    few = [name for name in names if first_rows[name].n_unique() <= MOST]
    frame = candidates.select(few).collect()
    counted = {name: _counted(frame[name].drop_nulls()) for name in few}
    return {name: counts for name, counts in counted.items() if 1 < len(counts) <= MOST}


def _counted(values: pl.Series) -> dict[str, int]:
    counts = values.alias("value").value_counts(sort=True)
    ordered = counts.sort("count", "value", descending=[True, False])
    if values.dtype.is_integer():
        ordered = counts.sort("value")
    # Filters compare values as polars writes them: true, where Python writes True.
    return dict(ordered.select(pl.col("value").cast(pl.String), "count").iter_rows())
