"""Lists the candidates of a round by page: filters are column expressions over lazy scans.

Pages are found by row number (keyset pagination): the tables that a filter needs are scanned for
the row numbers of one page, and only the payload of these rows is read.
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
"""Filters whose values come from the data."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which candidates are listed; the query of the page's address."""

    decision: str | None = None
    reason: str | None = None
    expectation: str | None = None
    verdict: str | None = None
    depth: int | None = None
    """`depth_max`, generations from real data."""
    column: str | None = None
    """A payload column, such as label."""
    value: str | None = None
    """The value of that column, as text."""
    after: int | None = None
    """Only rows after this one."""
    before: int | None = None
    """Only rows before this one, of which the last ones are listed."""

    @property
    def query(self) -> str:
        """The filters as the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value is not None})

    @property
    def first_page(self) -> Filters:
        """The same filters from the first page on."""
        return replace(self, after=None, before=None)

    @property
    def any(self) -> bool:
        """Whether any candidate may be filtered out."""
        return bool(self.first_page.query)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The tables of a round as lazy frames; None where their stage has not run."""

    candidates: pl.LazyFrame
    lineage: pl.LazyFrame
    verdicts: pl.LazyFrame | None
    decisions: pl.LazyFrame | None


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One page of candidates."""

    rows: pl.DataFrame
    """row, sample_id, depth_max, decision, reasons, warnings, by row."""
    payload: pl.DataFrame
    """round, row, sample_id and payload of the same rows."""
    back: Filters | None
    """Filters of the page before; None on the first page."""
    more: Filters | None
    """Filters of the page after; None on the last page."""


def parse(query: Mapping[str, str]) -> Filters:
    """Parse filters from the query of an address; empty and unknown ones are ignored.

    The name and value of a column are not stripped, as blanks may belong to them.

    Raises:
        UsageError: a text is not a whole number where one is needed.
    """
    texts = {name: query.get(name, "") for name in Filters.__slots__}
    stripped = {name: text if name in FOREIGN else text.strip() for name, text in texts.items()}
    given: dict[str, Any] = {name: text for name, text in stripped.items() if text}
    for name in NUMBERS:
        if name in given:
            if not given[name].isdecimal() or len(given[name]) > 15:  # noqa: PLR2004  fits int64
                raise UsageError(f"{name} must be a whole number, not {given[name][:20]!r}")
            given[name] = int(given[name])
    return Filters(**given)


def open_source(lake: Lake, commit: str, dataset: str, number: int) -> Source:
    """Open the tables of a round.

    Raises:
        NotFoundError: the commit holds no candidates of it.
    """
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:
        raise NotFoundError(f"no commit at {commit[:12]} generated round {number} of {dataset}")

    def scan(ref: str, table: str) -> pl.LazyFrame:
        return lake.scan(ref, refs.partition(dataset, table, number))

    return Source(
        candidates=scan(generated.id, "candidates"),
        lineage=scan(commit, "lineage"),
        verdicts=_perhaps(lambda: scan(commit, "verdicts")),
        decisions=_perhaps(lambda: scan(commit, "decisions")),
    )


def matching(source: Source, filters: Filters) -> pl.LazyFrame:
    """The rows that match filters, as a lazy frame with the column row.

    Raises:
        UsageError: there is no such column.
    """
    selections = [*_decided(source, filters), *_judged(source, filters), *_made(source, filters)]
    rows = selections[0] if selections else source.lineage.select("row")
    for selection in selections[1:]:
        rows = rows.join(selection, on="row", how="semi")
    return rows


def count(source: Source, filters: Filters) -> int:
    """Count the rows that match filters."""
    return int(matching(source, filters.first_page).select(pl.len()).collect().item())


def listing(source: Source, filters: Filters, size: int) -> Listing:
    """Read one page of rows.

    Args:
        source: the tables of the round.
        filters: which rows, and from which one on.
        size: rows per page.

    Raises:
        UsageError: there is no such column.
    """
    rows = matching(source, filters)
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
        back = replace(filters.first_page, before=first) if earlier else None
        later_page = replace(filters.first_page, after=last) if later else None
    return Listing(_described(source, kept), _payload(source, kept), back, later_page)


def _decided(source: Source, filters: Filters) -> list[pl.LazyFrame]:
    conditions = []
    if filters.decision is not None:
        conditions.append(pl.col("decision") == filters.decision)
    if filters.reason is not None:
        in_reasons = pl.col("reasons").list.contains(filters.reason)
        conditions.append(in_reasons | pl.col("warnings").list.contains(filters.reason))
    if not conditions:
        return []
    if source.decisions is None:
        return [source.lineage.select("row").clear()]
    return [source.decisions.filter(*conditions).select("row")]


def _judged(source: Source, filters: Filters) -> list[pl.LazyFrame]:
    conditions = [pl.col("row").is_not_null()]
    if filters.expectation is not None:
        conditions.append(pl.col("expectation") == filters.expectation)
    if filters.verdict is not None:
        conditions.append(pl.col("verdict") == filters.verdict)
    if len(conditions) == 1:
        return []
    if source.verdicts is None:
        return [source.lineage.select("row").clear()]
    return [source.verdicts.filter(*conditions).select("row").unique()]


def _made(source: Source, filters: Filters) -> list[pl.LazyFrame]:
    selections = []
    if filters.depth is not None:
        selections.append(source.lineage.filter(pl.col("depth_max") == filters.depth).select("row"))
    if filters.column is not None and filters.value is not None:
        schema = source.candidates.collect_schema()
        dtype = schema.get(filters.column)
        if dtype is None or dtype.is_nested() or dtype == pl.Binary:
            raise UsageError(f"there is no column {filters.column[:40]!r} to filter by")
        equal = pl.col(filters.column).cast(pl.String) == filters.value
        selections.append(source.candidates.filter(equal).select("row"))
    return selections


def _described(source: Source, kept: pl.DataFrame) -> pl.DataFrame:
    """Sample id, depth and decision of some rows."""
    rows = _at(source.lineage.select("row", "sample_id", "depth_max"), kept)
    columns = ("decision", "reasons", "warnings")
    if source.decisions is None:
        none = [pl.lit(None, pl.String).alias(name) for name in columns[:1]]
        none += [pl.lit([], pl.List(pl.String)).alias(name) for name in columns[1:]]
        return rows.with_columns(none)
    decisions = _at(source.decisions.select("row", *columns), kept)
    return rows.join(decisions, on="row", how="left", maintain_order="left")


def _payload(source: Source, kept: pl.DataFrame) -> pl.DataFrame:
    return _at(source.candidates, kept)


def _at(frame: pl.LazyFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Read some rows of a table, in order; the range allows row groups to be skipped."""
    rows = kept["row"]
    if rows.is_empty():
        return frame.head(0).collect()
    between = pl.col("row").is_between(rows.min(), rows.max())
    return frame.filter(between, pl.col("row").is_in(rows.implode())).collect().sort("row")


def _perhaps(scan: Callable[[], pl.LazyFrame]) -> pl.LazyFrame | None:
    try:
        return scan()
    except NotFoundError:
        return None
