"""What the candidates of a round can be filtered by, with how many there are of each."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from lake.visible import original
from review.ui.candidates import Filters, Source

MOST: Final = 30
"""Values of a column that are offered; a column of more is not offered."""
GLANCE: Final = 2000
"""Rows in which a column must have few values, before the whole of it is counted."""
HIDDEN: Final = ("round", "row", "sample_id")
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Facets:
    """Values with their rows, the most frequent first."""

    candidates: int
    decisions: Counts
    reasons: Counts
    """Expectations for which rows were rejected or marked."""
    expectations: tuple[str, ...]
    """Those that judge rows."""
    depths: Counts
    columns: Mapping[str, Counts]
    """Payload columns of few values."""


def of_source(found: Source) -> Facets:
    """Count what a round's candidates can be filtered by."""
    lineage = found.lineage.select("depth_max").collect()
    decided: Counts = {}
    reasons: Counts = {}
    if found.decisions is not None:
        told = found.decisions.select("decision", "reasons", "warnings").collect()
        decided = _counted(told["decision"])
        named = pl.concat([told["reasons"].explode(), told["warnings"].explode()])
        reasons = _counted(named.drop_nulls())
    return Facets(
        candidates=len(lineage),
        decisions=decided,
        reasons=reasons,
        expectations=tuple(_expectations(found)),
        depths=_counted(lineage["depth_max"].drop_nulls()),
        columns=_columns(found.candidates),
    )


def meant(known: Facets, filters: Filters) -> Filters:
    """Filters by what the data holds, where a form sends it as its page shows it."""
    column = _meant(filters.column, known.columns)
    values = known.columns.get(column or "", {})
    return replace(
        filters,
        column=column,
        value=_meant(filters.value, values),
        reason=_meant(filters.reason, known.reasons),
        expectation=_meant(filters.expectation, known.expectations),
    )


def _meant(sent: str | None, known: Container[str]) -> str | None:
    """A known text: itself, with the line breaks that forms change, or with marks for it."""
    if sent is None:
        return None
    plain = sent.replace("\r\n", "\n")
    ways = (sent, plain, original(sent), original(plain))
    return next((each for each in ways if each in known), sent)


def _expectations(found: Source) -> list[str]:
    """Expectations that judged the first candidate, which every row expectation does."""
    if found.verdicts is None:
        return []
    first = found.verdicts.filter(pl.col("row") == 0).select("expectation").collect()
    return sorted(first["expectation"].unique())


def _columns(candidates: pl.LazyFrame) -> dict[str, Counts]:
    kinds = candidates.collect_schema()
    plain = [
        name
        for name, kind in kinds.items()
        if name not in HIDDEN
        and (kind.is_integer() or kind in (pl.String, pl.Boolean, pl.Categorical, pl.Enum))
    ]
    glance = candidates.select(plain).head(GLANCE).collect()
    few = [name for name in plain if glance[name].n_unique() <= MOST]
    whole = candidates.select(few).collect()
    counted = {name: _counted(whole[name].drop_nulls()) for name in few}
    return {name: counts for name, counts in counted.items() if 1 < len(counts) <= MOST}


def _counted(values: pl.Series) -> dict[str, int]:
    counts = values.alias("value").value_counts(sort=True)
    ordered = counts.sort("count", "value", descending=[True, False])
    if values.dtype.is_integer():
        ordered = counts.sort("value")
    return {str(value): rows for value, rows in ordered.iter_rows()}
