"""Decisions: which candidates of a round stay, which do not, and why.

A critical expectation that failed or could not be computed rejects a candidate; a warning marks it.
Content that was accepted before, in an earlier round or by a lower row of this one, is a duplicate.
What nobody judged is never accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import polars as pl

from lineage import review_decisions, schema
from lineage.errors import SchemaError

UNKNOWN: Final = ": unknown"
"""End of the reason of a verdict that could not be computed."""
NO_VERDICT: Final = "no verdict"
DUPLICATE: Final = "duplicate"
MAX_ACCEPTED: Final = "max_accepted"
TAKEN_DOWN: Final = "taken_down"
"""Reason against a candidate whose content was taken down."""
SURPLUS: Final = "surplus"
"""Decision on a row beyond those that the round was to end with, and its reason."""

EARLIER: Final = pl.Schema({"dataset": pl.String(), **schema.SAMPLE_KEY})
CANDIDATE: Final = pl.Schema(
    {**schema.SAMPLE_KEY, "columns_digest": schema.DECISIONS["columns_digest"]}
)
KEY: Final = ("round", "row")
HARMLESS: Final = ("warning", "info")
"""Severities that never reject; any other word, even a misspelt one, counts as critical."""


def decide(
    candidates: pl.DataFrame,
    verdicts: pl.DataFrame,
    earlier: pl.DataFrame,
    *,
    dataset: str,
    max_accepted: int | None = None,
    surplus: bool = False,
    denied: pl.Series | None = None,
    reviews: pl.DataFrame | None = None,
    final: Sequence[str] = (),
) -> pl.DataFrame:
    """Decide which candidates of a round are accepted.

    Args:
        candidates: round, row, sample_id, and the digest of their other columns, columns_digest,
            which the decisions state.
        verdicts: as `schema.VERDICTS`; those with a null row judge the whole round and are left
            to `stopping`.
        earlier: accepted samples: dataset, round, row, sample_id. Rows of this round or a later
            one of `dataset` are ignored.
        dataset: the candidates' data set.
        max_accepted: keep at most so many, lowest rows first.
        surplus: whether the round was to end with `max_accepted`, so that further rows are surplus
            and not rejected.
        denied: rows whose content was taken down, which are rejected; None: there are none.
        reviews: what reviewers decided, as `review_decisions.REVIEWS`; None: nothing. Rows that
            they made of candidates are among the candidates, and have no verdicts.
        final: expectations that no reviewer overrides.

    Returns:
        Decisions in order of `row`, as `schema.DECISIONS`.

    Raises:
        SchemaError: a column is missing, a candidate comes twice or is of another round, or a
            verdict or a reviewer's decision is about no candidate.
    """
    rows = _candidates(candidates)
    judged = _judged(rows, schema.conform(verdicts, schema.VERDICTS)).with_columns(place="row")
    if reviews is not None and len(reviews):
        judged = review_decisions.apply(judged, reviews, [NO_VERDICT, *_against(final)])
    judged = _deny(judged, denied)
    before = _before(schema.conform(earlier, EARLIER), dataset, rows)
    stays = pl.col("reasons").list.len() == 0
    marked = judged.join(before, on="sample_id", how="left", maintain_order="left")
    marked = marked.sort("place", "row")
    marked = _within(marked.with_columns((stays & pl.col("earlier").is_null()).alias("new")))
    fits = pl.col("new").cum_sum() <= (len(rows) if max_accepted is None else max_accepted)
    taken = marked.with_columns((pl.col("new") & fits).alias("accepted"))
    return _decisions(taken, dataset, surplus=surplus).sort("row")


def reasons(decisions: pl.DataFrame) -> pl.DataFrame:
    """Count the reasons for which candidates were not accepted.

    Returns:
        reason, count: the most common first, equally common ones by name. A candidate counts for
        each of its reasons.
    """
    listed = decisions.select(pl.col("reasons").explode().alias("reason")).drop_nulls()
    counted = listed.group_by("reason").agg(pl.len().cast(pl.Int64).alias("count"))
    return counted.sort("count", "reason", descending=[True, False])


def stopping(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Find the verdicts that stop a round: critical verdicts on the whole round that did not pass.

    Returns:
        Rows of `verdicts`, in order; none if the round may go on.
    """
    typed = schema.conform(verdicts, schema.VERDICTS)
    return typed.filter(pl.col("row").is_null(), critical(), not_passed())


def decisive(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Leave out verdicts on which no decision depends, so that those of a large round are few.

    Args:
        verdicts: as `schema.VERDICTS`, of a whole round or of a part of it.

    Returns:
        Those that did not pass, those on the whole round, and one of each row that has passed all,
        in their order, without what was observed. `decide`, `stopping`, `kept` and `warned` say the
        same of them, and of several parts put together.

    Raises:
        SchemaError: they are no verdicts.
    """
    typed = schema.conform(verdicts, schema.VERDICTS)
    narrow = typed.with_columns(
        observed=pl.lit(None, pl.Float64), detail=pl.when(pl.col("row").is_null()).then("detail")
    )
    stays = not_passed() | pl.col("row").is_null()
    first = pl.struct(KEY).is_first_distinct()
    return narrow.filter(stays | (first & ~stays.any().over(KEY)))


def kept(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Tell which candidates a suite keeps: those whose critical verdicts have all passed.

    Returns:
        round, row, kept; in order of `row`. What the lake accepted before does not matter here.
    """
    of_rows = schema.conform(verdicts, schema.VERDICTS).filter(pl.col("row").is_not_null())
    refused = critical() & not_passed()
    return of_rows.group_by(KEY).agg((~refused.any()).alias("kept")).sort(KEY)


def refusals(verdicts: pl.DataFrame) -> dict[str, int]:
    """Count the rows that each critical expectation refuses, by its name, the most first.

    Args:
        verdicts: as `schema.VERDICTS`, or those of them that are `decisive`.

    Returns:
        A row that several refuse counts for each; expectations that refuse none are left out.
    """
    of_rows = schema.conform(verdicts, schema.VERDICTS).filter(pl.col("row").is_not_null())
    against = of_rows.filter(critical(), not_passed()).group_by("expectation").len()
    return dict(against.sort("len", "expectation", descending=[True, False]).iter_rows())


def warned(verdicts: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Find the accepted rows of which an expectation warns: those with a warning that did not pass.

    Args:
        verdicts: as `schema.VERDICTS`.
        accepted: round, row, sample_id; other columns are left out.

    Returns:
        round, row, sample_id, and the names of the `expectations` in order; in order of `row`, each
        once.
    """
    typed = schema.conform(verdicts, schema.VERDICTS)
    warnings = (pl.col("severity") == HARMLESS[0]).fill_null(value=False)
    of_rows = typed.filter(pl.col("row").is_not_null(), warnings, not_passed())
    names = pl.col("expectation").unique().sort().alias("expectations")
    found = of_rows.group_by(KEY).agg(names)
    return accepted.select(*KEY, "sample_id").join(found, on=KEY, how="inner").sort(KEY)


def _candidates(frame: pl.DataFrame) -> pl.DataFrame:
    rows = schema.conform(frame, CANDIDATE, required=tuple(schema.SAMPLE_KEY), extra=True)
    schema.unique_key(rows, list(KEY), "the candidates")
    if rows["round"].n_unique() > 1:
        raise SchemaError("candidates are of several rounds; decide on one round at a time")
    return rows.sort("row")


def _judged(rows: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Add the reasons against each candidate, and the warnings about it."""
    of_rows = verdicts.filter(pl.col("row").is_not_null())
    stray = of_rows.join(rows, on=KEY, how="anti")
    if not stray.is_empty():
        raise SchemaError(f"a verdict is about row {stray['row'][0]}, which is no candidate")
    unknown = pl.col("verdict").is_null() | (pl.col("verdict") != "failed")
    reason = pl.when(unknown).then(pl.col("expectation") + UNKNOWN).otherwise("expectation")
    warns = not_passed() & (pl.col("severity") == "warning")
    grouped = of_rows.group_by(KEY).agg(
        reason.filter(critical() & not_passed()).unique(maintain_order=True).alias("reasons"),
        reason.filter(warns).unique(maintain_order=True).alias("warnings"),
    )
    nobody = pl.lit([NO_VERDICT], pl.List(pl.String))
    return rows.join(grouped, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("reasons").fill_null(nobody),
        pl.col("warnings").fill_null(pl.lit([], pl.List(pl.String))),
    )


def _against(expectations: Iterable[str]) -> Iterator[str]:
    """The reasons that expectations can give against a candidate."""
    for name in expectations:
        yield from (name, f"{name}{UNKNOWN}")


def _deny(judged: pl.DataFrame, denied: pl.Series | None) -> pl.DataFrame:
    """Add the reason against each row whose content was taken down."""
    if denied is None or denied.is_empty():
        return judged
    reason = pl.lit([TAKEN_DOWN], pl.List(pl.String))
    with_reason = pl.col("reasons").list.concat(reason)
    is_denied = pl.col("row").is_in(denied.cast(pl.Int64).implode())
    return judged.with_columns(
        pl.when(is_denied).then(with_reason).otherwise("reasons").alias("reasons")
    )


def critical() -> pl.Expr:
    """Whether a verdict's severity rejects a candidate that does not pass."""
    return ~pl.col("severity").is_in(HARMLESS).fill_null(value=False)


def not_passed() -> pl.Expr:
    """Whether a verdict is anything but passed."""
    return ~(pl.col("verdict") == "passed").fill_null(value=False)


def _before(earlier: pl.DataFrame, dataset: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Find the first occurrence of each content accepted before this round: sample_id, earlier."""
    number = rows["round"].first() if len(rows) else 0
    ours = (pl.col("dataset") == dataset) & (pl.col("round") >= number)
    first = earlier.filter(~ours).sort(pl.col("dataset") != dataset, "dataset", "round", "row")
    return first.group_by("sample_id", maintain_order=True).agg(
        pl.struct("dataset", "round", "row").first().alias("earlier")
    )


def _within(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the lowest new row of the same content; only that row itself stays new."""
    first = pl.col("row").filter(pl.col("new")).min().over("sample_id").alias("first")
    marked = rows.with_columns(first)
    return marked.with_columns(
        pl.col("new").alias("sound"),
        (pl.col("new") & (pl.col("row") == pl.col("first"))).alias("new"),
    )


def _decisions(rows: pl.DataFrame, dataset: str, *, surplus: bool) -> pl.DataFrame:
    """Add the decision, its reasons, and the first occurrence of duplicated content."""
    taken = rows.filter("accepted").select(pl.col("row").alias("first"), pl.lit(True).alias("kept"))
    marked = rows.join(taken, on="first", how="left", maintain_order="left")
    passed = pl.col("reasons").list.len() == 0
    again = passed & pl.col("earlier").is_not_null()
    twin = pl.col("sound") & ~pl.col("accepted") & pl.col("kept").fill_null(value=False)
    duplicate = again | twin
    here = pl.struct(pl.lit(dataset).alias("dataset"), "round", pl.col("first").alias("row"))
    decided = marked.with_columns(
        pl.when("accepted")
        .then(pl.lit("accepted"))
        .when(duplicate)
        .then(pl.lit("duplicate"))
        .when(passed & surplus)
        .then(pl.lit(SURPLUS))
        .otherwise(pl.lit("rejected"))
        .alias("decision"),
        pl.when(pl.col("accepted") | ~passed)
        .then("reasons")
        .when(duplicate)
        .then(pl.lit([DUPLICATE], pl.List(pl.String)))
        .otherwise(pl.lit([SURPLUS if surplus else MAX_ACCEPTED], pl.List(pl.String)))
        .alias("reasons"),
        pl.when(again).then("earlier").when(twin).then(here).alias("duplicate_of"),
    )
    return schema.conform(decided, schema.DECISIONS, required=KEY, extra=True)
