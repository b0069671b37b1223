"""Lists the candidates of a round by page: filters are column expressions over lazy scans.

Pages are found by row number (keyset pagination): the tables that a filter needs are scanned for
the row numbers of one page, and only the payload of these rows is read. In the order of a score the
numbers of all rows that match are sorted first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.reviewing import edited
from pipelines.rounds import history
from review.errors import UsageError
from review.ui import scores, search
from review.ui.filters import Filters, part_of


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The tables of a round as lazy frames; None where their stage has not run."""

    candidates: pl.LazyFrame
    lineage: pl.LazyFrame
    verdicts: pl.LazyFrame | None
    decisions: pl.LazyFrame | None
    scores: pl.LazyFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One page of candidates."""

    rows: pl.DataFrame
    """row, sample_id, depth_max, decision, reasons, warnings, in the order of the filters."""
    payload: pl.DataFrame
    """round, row, sample_id and payload of the same rows."""
    back: Filters | None
    """Filters of the page before; None on the first page."""
    more: Filters | None
    """Filters of the page after; None on the last page."""


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

    made, lineage = scan(generated.id, "candidates"), scan(commit, "lineage")
    return Source(
        candidates=edited.with_edited(lake, commit, made, dataset=dataset, number=number),
        lineage=edited.without_lost(lake, commit, lineage, dataset=dataset, number=number),
        verdicts=_perhaps(lambda: scan(commit, "verdicts")),
        decisions=_perhaps(lambda: scan(commit, "decisions")),
        scores=_perhaps(lambda: scan(commit, "scores")),
    )


def matching(source: Source, filters: Filters) -> pl.LazyFrame:
    """The rows that match filters, as a lazy frame with the column row.

    Raises:
        UsageError: there is no such column.
    """
    selections = [
        *_decided(source, filters),
        *_judged(source, filters),
        *_made(source, filters),
        *scores.within(source.scores, filters, source.lineage),
        *search.holding(source.candidates, filters.text, source.lineage),
        *_assigned(source, filters),
    ]
    rows = selections[0] if selections else source.lineage.select("row")
    for selection in selections[1:]:
        rows = rows.join(selection, on="row", how="semi")
    return rows


def _assigned(source: Source, filters: Filters) -> list[pl.LazyFrame]:
    """The rows of one of several equal parts."""
    part = part_of(filters)
    if part is None:
        return []
    number, of = part
    return [source.lineage.filter(pl.col("row") % of == number - 1).select("row")]


def count(source: Source, filters: Filters) -> int:
    """Count the rows that match filters."""
    return int(matching(source, filters.first_page).select(pl.len()).collect().item())


def ordered(source: Source, filters: Filters) -> pl.Series:
    """The row numbers that match filters, whatever the page, in their order.

    Raises:
        UsageError: there is no such column.
    """
    rows = matching(source, filters.first_page)
    if filters.order is not None and filters.score is not None:
        return scores.by_score(source.scores, rows, filters.score, filters.order)["row"]
    return rows.collect()["row"].sort()


def listing(source: Source, filters: Filters, size: int) -> Listing:
    """Read one page of rows.

    Args:
        source: the tables of the round.
        filters: which rows, in which order, and from which one on.
        size: rows per page.

    Raises:
        UsageError: there is no such column.
    """
    rows, earlier, later = _page(source, filters, size)
    back = later_page = None
    if len(rows):
        first, last = int(rows[0]), int(rows[-1])
        back = replace(filters.first_page, before=first) if earlier else None
        later_page = replace(filters.first_page, after=last) if later else None
    return Listing(described(source, rows), payload(source, rows), back, later_page)


def _page(source: Source, filters: Filters, size: int) -> tuple[pl.Series, bool, bool]:
    """The rows of one page, and whether rows precede and follow it."""
    if filters.order is not None:
        return _cut(ordered(source, filters), filters, size)
    rows = matching(source, filters)
    if filters.before is not None:
        chosen = rows.filter(pl.col("row") < filters.before).top_k(size + 1, by="row").collect()
        return chosen["row"].sort().tail(size), len(chosen) > size, True
    floor = -1 if filters.after is None else filters.after
    chosen = rows.filter(pl.col("row") > floor).bottom_k(size + 1, by="row").collect()
    return chosen["row"].sort().head(size), filters.after is not None, len(chosen) > size


def _cut(rows: pl.Series, filters: Filters, size: int) -> tuple[pl.Series, bool, bool]:
    """Cut a page out of all rows; a row that is not among them names the first page."""
    if filters.before is not None:
        end = rows.index_of(filters.before) or 0
        start = max(end - size, 0)
    else:
        at = None if filters.after is None else rows.index_of(filters.after)
        start = 0 if at is None else at + 1
        end = min(start + size, len(rows))
    return rows[start:end], start > 0, end < len(rows)


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


def described(source: Source, rows: pl.Series) -> pl.DataFrame:
    """Sample id, depth and decision of some rows, in their order."""
    found = _at(source.lineage.select("row", "sample_id", "depth_max"), rows)
    columns = ("decision", "reasons", "warnings")
    if source.decisions is None:
        none = [pl.lit(None, pl.String).alias(name) for name in columns[:1]]
        none += [pl.lit([], pl.List(pl.String)).alias(name) for name in columns[1:]]
        return found.with_columns(none)
    decisions = _at(source.decisions.select("row", *columns), rows)
    return found.join(decisions, on="row", how="left", maintain_order="left")


def payload(source: Source, rows: pl.Series) -> pl.DataFrame:
    """Key and payload of some rows, in their order."""
    return _at(source.candidates, rows)


def columns(source: Source, rows: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """Some columns of the payload of rows, in the order of the rows."""
    return _at(source.candidates.select(names), rows)


def _at(frame: pl.LazyFrame, rows: pl.Series) -> pl.DataFrame:
    """Read some rows of a table, in order; the range allows row groups to be skipped."""
    if rows.is_empty():
        return frame.head(0).collect()
    between = pl.col("row").is_between(rows.min(), rows.max())
    found = frame.filter(between, pl.col("row").is_in(rows.implode())).collect()
    order = rows.alias("row").to_frame().with_columns(pl.col("row").cast(found.schema["row"]))
    return order.join(found, on="row", how="inner", maintain_order="left").select(found.columns)


def _perhaps(scan: Callable[[], pl.LazyFrame]) -> pl.LazyFrame | None:
    try:
        return scan()
    except NotFoundError:
        return None
