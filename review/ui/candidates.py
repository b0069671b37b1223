"""The candidates of a round, a page at a time: filters as column expressions over lazy scans.

A page is found by its rows (keyset paging): the tables that a filter names are scanned for the row
numbers of one page, and only these rows' payload is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import history
from review.errors import UsageError

NUMBERS: Final = ("depth", "after", "before")
FOREIGN: Final = ("column", "value")
"""Filters by what the data holds."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which candidates are asked for; the query of the page's address."""

    decision: str | None = None
    reason: str | None = None
    expectation: str | None = None
    verdict: str | None = None
    depth: int | None = None
    """`depth_max`, generations from real data."""
    column: str | None = None
    """A payload column, such as label."""
    value: str | None = None
    """What that column holds, as text."""
    after: int | None = None
    """Rows greater than this."""
    before: int | None = None
    """Rows less than this, the last ones first found."""

    @property
    def query(self) -> str:
        """As the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value is not None})

    @property
    def whole(self) -> Filters:
        """The same from the first page."""
        return replace(self, after=None, before=None)

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.whole.query)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The tables of a round, lazily; None where its stage has not run."""

    candidates: pl.LazyFrame
    lineage: pl.LazyFrame
    verdicts: pl.LazyFrame | None
    decisions: pl.LazyFrame | None


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One page."""

    rows: pl.DataFrame
    """row, sample_id, depth_max, decision, reasons, warnings, by row."""
    payload: pl.DataFrame
    """round, row, sample_id and payload of the same rows."""
    back: Filters | None
    """The page before."""
    more: Filters | None
    """The page after."""


def parse(query: Mapping[str, str]) -> Filters:
    """Read filters from the query of an address; empty ones and other names are left out.

    A column's name and value are taken as they are: blanks at their ends belong to them.

    Raises:
        UsageError: a number is none.
    """
    asked = {name: query.get(name, "") for name in Filters.__slots__}
    whole = {name: text if name in FOREIGN else text.strip() for name, text in asked.items()}
    given: dict[str, Any] = {name: text for name, text in whole.items() if text}
    for name in NUMBERS:
        if name in given:
            if not given[name].isdecimal() or len(given[name]) > 15:  # noqa: PLR2004  fits int64
                raise UsageError(f"{name} must be a whole number, not {given[name][:20]!r}")
            given[name] = int(given[name])
    return Filters(**given)


def source(lake: Lake, commit: str, dataset: str, number: int) -> Source:
    """Open the tables of a round.

    Raises:
        NotFoundError: the commit holds no candidates of it.
    """
    made = history.generated(lake, dataset, number, commit)
    if made is None:
        raise NotFoundError(f"no commit at {commit[:12]} generated round {number} of {dataset}")

    def scan(ref: str, table: str) -> pl.LazyFrame:
        return lake.scan(ref, refs.partition(dataset, table, number))

    return Source(
        candidates=scan(made.id, "candidates"),
        lineage=scan(commit, "lineage"),
        verdicts=_perhaps(lambda: scan(commit, "verdicts")),
        decisions=_perhaps(lambda: scan(commit, "decisions")),
    )


def matching(found: Source, filters: Filters) -> pl.LazyFrame:
    """The rows that filters leave, lazily: row.

    Raises:
        UsageError: there is no such column.
    """
    told = [*_decided(found, filters), *_judged(found, filters), *_made(found, filters)]
    rows = told[0] if told else found.lineage.select("row")
    for each in told[1:]:
        rows = rows.join(each, on="row", how="semi")
    return rows


def count(found: Source, filters: Filters) -> int:
    """How many rows filters leave."""
    return int(matching(found, filters.whole).select(pl.len()).collect().item())


def listing(found: Source, filters: Filters, size: int) -> Listing:
    """One page of rows.

    Args:
        found: the tables.
        filters: which rows, and from which on.
        size: rows of a page.

    Raises:
        UsageError: there is no such column.
    """
    rows = matching(found, filters)
    if filters.before is not None:
        chosen = rows.filter(pl.col("row") < filters.before).top_k(size + 1, by="row").collect()
        whole, kept = chosen.sort("row"), chosen.sort("row").tail(size)
        earlier, later = len(whole) > size, True
    else:
        floor = -1 if filters.after is None else filters.after
        chosen = rows.filter(pl.col("row") > floor).bottom_k(size + 1, by="row").collect()
        whole, kept = chosen.sort("row"), chosen.sort("row").head(size)
        earlier, later = filters.after is not None, len(whole) > size
    back = later_page = None
    if len(kept):
        first, last = int(kept["row"][0]), int(kept["row"][-1])
        back = replace(filters.whole, before=first) if earlier else None
        later_page = replace(filters.whole, after=last) if later else None
    return Listing(_described(found, kept), _payload(found, kept), back, later_page)


def _decided(found: Source, filters: Filters) -> list[pl.LazyFrame]:
    wanted = []
    if filters.decision is not None:
        wanted.append(pl.col("decision") == filters.decision)
    if filters.reason is not None:
        named = pl.col("reasons").list.contains(filters.reason)
        wanted.append(named | pl.col("warnings").list.contains(filters.reason))
    if not wanted:
        return []
    if found.decisions is None:
        return [found.lineage.select("row").clear()]
    return [found.decisions.filter(*wanted).select("row")]


def _judged(found: Source, filters: Filters) -> list[pl.LazyFrame]:
    wanted = [pl.col("row").is_not_null()]
    if filters.expectation is not None:
        wanted.append(pl.col("expectation") == filters.expectation)
    if filters.verdict is not None:
        wanted.append(pl.col("verdict") == filters.verdict)
    if len(wanted) == 1:
        return []
    if found.verdicts is None:
        return [found.lineage.select("row").clear()]
    return [found.verdicts.filter(*wanted).select("row").unique()]


def _made(found: Source, filters: Filters) -> list[pl.LazyFrame]:
    told = []
    if filters.depth is not None:
        told.append(found.lineage.filter(pl.col("depth_max") == filters.depth).select("row"))
    if filters.column is not None and filters.value is not None:
        kinds = found.candidates.collect_schema()
        kind = kinds.get(filters.column)
        if kind is None or kind.is_nested() or kind == pl.Binary:
            raise UsageError(f"there is no column {filters.column[:40]!r} to filter by")
        same = pl.col(filters.column).cast(pl.String) == filters.value
        told.append(found.candidates.filter(same).select("row"))
    return told


def _described(found: Source, kept: pl.DataFrame) -> pl.DataFrame:
    """What is said of some rows."""
    known = _at(found.lineage.select("row", "sample_id", "depth_max"), kept)
    about = ("decision", "reasons", "warnings")
    if found.decisions is None:
        none = [pl.lit(None, pl.String).alias(name) for name in about[:1]]
        none += [pl.lit([], pl.List(pl.String)).alias(name) for name in about[1:]]
        return known.with_columns(none)
    told = _at(found.decisions.select("row", *about), kept)
    return known.join(told, on="row", how="left", maintain_order="left")


def _payload(found: Source, kept: pl.DataFrame) -> pl.DataFrame:
    return _at(found.candidates, kept)


def _at(frame: pl.LazyFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Some rows of a table, by row; the range lets row groups be skipped."""
    rows = kept["row"]
    if rows.is_empty():
        return frame.head(0).collect()
    near = pl.col("row").is_between(rows.min(), rows.max())
    return frame.filter(near, pl.col("row").is_in(rows.implode())).collect().sort("row")


def _perhaps(scan: Callable[[], pl.LazyFrame]) -> pl.LazyFrame | None:
    try:
        return scan()
    except NotFoundError:
        return None
