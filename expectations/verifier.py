"""Gives verdicts: passed, failed or unknown, per candidate and expectation.

`outcomes` asks Great Expectations which rows fail. GX skips rows without a value and expectations
that raise; here both are `unknown`, with the reason. A row that GX does not report has passed only
if GX judged it.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from polars import selectors as cs

from expectations import catalogue, details, references
from expectations.errors import BatchError, SuiteError, unknown
from expectations.outcomes import Outcome, outcomes
from expectations.suite import Rule, Suite
from lineage.errors import SchemaError
from lineage.schema import VERDICTS, conform, unique_key

VERSION: Final = "verifier/1"
"""Raised when verdicts change for equal input; it covers `catalogue` and `details` as well."""

KEY: Final = ("round", "row")
FAILED: Final = "__failed"
LACKS: Final = "__lacks"
WHY: Final = "__why"
VERDICT_WORDS: Final = ("passed", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdicts of a suite on the candidates of a round."""

    verdicts: pl.DataFrame
    """Columns `lineage.schema.VERDICTS`, in the order of the suite, then of the candidates."""
    suite_digest: str
    """Digest of the suite; a calibration of another suite does not hold for it."""

    def summary(self) -> dict[str, dict[str, Any]]:
        """Count verdicts per expectation, with severity and level (row or table)."""
        counted = self.verdicts.group_by("expectation", maintain_order=True).agg(
            pl.col("severity").first(),
            pl.col("row")
            .is_null()
            .all()
            .replace_strict({True: "table", False: "row"})
            .alias("level"),
            *((pl.col("verdict") == word).sum().alias(word) for word in VERDICT_WORDS),
        )
        return {counts.pop("expectation"): counts for counts in counted.iter_rows(named=True)}


def verify(
    frame: pl.DataFrame, suite: Suite, *, reference: Mapping[str, pl.DataFrame] | None = None
) -> Verification:
    """Judge the candidates of one round.

    Args:
        frame: round, row, and every column that the suite names; NaN counts as no value.
        suite: from `expectations.suite.load`.
        reference: rows to compare with, by the name that a suite gives in `against`; each has the
            columns that the suite compares. `real` are the real training rows.

    Returns:
        One verdict per candidate and row expectation, and one, with row null, per table
        expectation.

    Raises:
        SuiteError: the suite names an unknown type, argument, column or reference, or bounds a
            column without asking for its values.
        BatchError: there is no candidate, one is named twice, there are several rounds, or no
            candidate, or no row of a reference, has a value in a column that is judged.
    """
    catalogue.check(suite)
    batch = _batch(frame, suite)
    with references.using(checked_references(suite, reference or {})):
        results = outcomes(batch, suite)
    parts = [
        row_verdicts(batch, rule, outcome)
        if catalogue.judges_rows(rule)
        else table_verdict(batch, rule, outcome)
        for rule, outcome in zip(suite.rules, results, strict=True)
    ]
    return Verification(conform(pl.concat(parts), VERDICTS), suite.digest)


def _batch(frame: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    """Check the frame, and turn NaN into null."""
    check_columns(suite, frame.columns)
    check_key(frame)
    batch = frame.with_columns(cs.float().fill_nan(None))
    for rule in suite.rules:
        check_values(rule, batch)
    return batch


def check_columns(suite: Suite, names: Sequence[str]) -> None:
    """Refuse a suite that names a column which the candidates do not have.

    Raises:
        SuiteError: it does.
    """
    for rule in suite.rules:
        for name in rule.columns:
            if name not in names:
                raise SuiteError(unknown(f"expectation {rule.name!r}: column", name, names))


def check_values(rule: Rule, batch: pl.DataFrame) -> None:
    """Refuse candidates of which none has a value in a column that is judged.

    Raises:
        BatchError: none has.
    """
    for name in rule.columns:
        if rule.type != catalogue.ASKS_FOR_NULL and batch[name].null_count() == len(batch):
            raise no_value(name, len(batch))


def no_value(column: str, rows: int) -> BatchError:
    """Say that none of the candidates has a value in a column."""
    return BatchError(
        f"none of the {rows} candidates has a value in column {column!r}; "
        "look at the scorer or stage that makes it"
    )


def checked_references(
    suite: Suite, given: Mapping[str, pl.DataFrame]
) -> Mapping[str, pl.DataFrame]:
    """Check the frames that the suite compares with, and turn NaN into null."""
    frames: dict[str, pl.DataFrame] = {}
    for rule in suite.rules:
        name = catalogue.compared(rule)
        if name is None:
            continue
        where = f"expectation {rule.name!r}"
        if name not in given:
            there = f"; there are {', '.join(given)}" if given else "; none are given"
            raise SuiteError(f"{where} compares with rows named {name!r}{there}")
        frames.setdefault(name, given[name].with_columns(cs.float().fill_nan(None)))
        for column in rule.columns:
            if column not in frames[name].columns:
                columns = frames[name].columns
                raise SuiteError(unknown(f"{where}: column of the {name} rows", column, columns))
            count = len(frames[name])
            if frames[name][column].null_count() == count:
                raise BatchError(
                    f"none of the {count} {name} rows has a value in column {column!r}; "
                    "look at the scorer or stage that makes it"
                )
    return frames


def check_key(frame: pl.DataFrame) -> None:
    """Check the keys of the candidates.

    Raises:
        BatchError: there is no candidate, one is named twice, or there are several rounds.
    """
    missing = [name for name in KEY if name not in frame.columns]
    if missing:
        raise BatchError(f"the batch has no column {missing[0]!r}; add it to each candidate")
    if frame.is_empty():
        raise BatchError("the batch has no candidate to judge; look at the stage that made it")
    if any(frame[name].null_count() for name in KEY):
        raise BatchError("a candidate has no round or row; give every candidate both")
    if frame["round"].n_unique() > 1:
        first, second = frame["round"].unique().sort().head(2)
        raise BatchError(f"the batch holds rounds {first} and {second}; verify one at a time")
    if frame["row"].n_unique() == len(frame):  # of one round
        return
    try:
        unique_key(frame, KEY, "the batch")
    except SchemaError as error:
        raise BatchError(str(error)) from error


def row_verdicts(batch: pl.DataFrame, rule: Rule, outcome: Outcome) -> pl.DataFrame:
    """Give one verdict per candidate."""
    lacks = details.missing(rule.columns, counts=rule.type != catalogue.ASKS_FOR_NULL)
    failing = pl.lit(value=False) if outcome.failing is None else outcome.failing
    why = pl.lit(None, pl.String) if outcome.unjudged is None else outcome.unjudged
    judged = batch.select(
        *KEY, *_besides(rule), lacks.alias(LACKS), failing.alias(FAILED), why.alias(WHY)
    )
    unjudged = pl.lit(value=outcome.problem is not None) | pl.col(LACKS) | pl.col(WHY).is_not_null()
    return judged.select(
        *KEY,
        pl.lit(rule.name).alias("expectation"),
        pl.lit(rule.severity).alias("severity"),
        pl.when(unjudged)
        .then(pl.lit("unknown"))
        .when(FAILED)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("passed"))
        .alias("verdict"),
        details.observed(batch.schema, rule).alias("observed"),
        _details(judged, rule, outcome.problem).alias("detail"),
    )


def _besides(rule: Rule) -> list[str]:
    """List the columns of a rule that are not part of the key, without repetition."""
    return [name for name in dict.fromkeys(rule.columns) if name not in KEY]


def _details(judged: pl.DataFrame, rule: Rule, problem: str | None) -> pl.Series | pl.Expr:
    """Build the detail of each row; text is rendered only for rows that did not pass."""
    if problem is not None:
        return pl.lit(problem)
    told = pl.col(LACKS) | pl.col(FAILED) | pl.col(WHY).is_not_null()
    seen = details.of_row(judged.schema, rule, pl.col(LACKS))
    texts = judged.filter(told).select(pl.coalesce(WHY, seen)).to_series()
    if texts.is_empty():
        return pl.lit(None, pl.String)
    places = judged.select(pl.when(told).then(told.cum_sum() - 1)).to_series()
    return texts.gather(places)


def table_verdict(batch: pl.DataFrame, rule: Rule, outcome: Outcome) -> pl.DataFrame:
    """Give one verdict on the whole round."""
    seen = outcome.observed
    number = float(seen) if isinstance(seen, numbers.Real) else None
    judged = "passed" if outcome.success else "failed"
    detail = None if outcome.success else details.of_table(rule, seen, outcome.facts)
    return pl.DataFrame(
        {
            "round": batch["round"].head(1),
            "row": pl.Series([None], dtype=batch.schema["row"]),
            "expectation": rule.name,
            "severity": rule.severity,
            "verdict": "unknown" if outcome.problem else judged,
            "observed": pl.Series([number], dtype=pl.Float64),
            "detail": pl.Series([outcome.problem or detail], dtype=pl.String),
        }
    )
