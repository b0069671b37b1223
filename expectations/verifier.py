"""The one place where verdicts are taken: passed, failed or unknown, per candidate and expectation.

A suite runs through a validation definition of Great Expectations, which names the rows that fail.
GX passes over rows without a value and over expectations that raise; here both are `unknown`, with
the reason. A row that GX does not name has passed only if GX judged it.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from polars import selectors as cs

from expectations import catalogue, details, gx, references
from expectations.errors import BatchError, SuiteError, unknown
from expectations.suite import Rule, Suite
from lineage.errors import SchemaError
from lineage.schema import VERDICTS, conform, unique_key

KEY: Final = ("round", "row")
RULE: Final = "stemma_rule"
"""Where an expectation carries its place in the suite through GX, which sorts them anew."""
RESULT_FORMAT: Final = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": list(KEY),
    # GX's store copies what a result holds, so it holds the keys of the failing rows alone.
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
}
FAILED: Final = "__failed"
VERDICT_WORDS: Final = ("passed", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Verification:
    """What a suite says about the candidates of a round."""

    verdicts: pl.DataFrame
    """`lineage.schema.VERDICTS`, in the order of the suite, then of the candidates."""
    suite_digest: str
    """Of the suite that was asked; what was learnt about another suite does not hold for it."""

    def summary(self) -> dict[str, dict[str, Any]]:
        """By expectation: severity, level (row or table), and how often each verdict was given."""
        counted = self.verdicts.group_by("expectation", maintain_order=True).agg(
            pl.col("severity").first(),
            pl.col("row")
            .is_null()
            .all()
            .replace_strict({True: "table", False: "row"})
            .alias("level"),
            *((pl.col("verdict") == word).sum().alias(word) for word in VERDICT_WORDS),
        )
        return {found.pop("expectation"): found for found in counted.iter_rows(named=True)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What GX says about one expectation."""

    problem: str | None
    """Why it could not be judged; None: it was."""
    success: bool = False
    failing: pl.DataFrame | None = None
    """round and row of each row that fails; None for a table."""
    observed: object = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """What a table expectation knows besides."""


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
    with references.using(_references(suite, reference or {})):
        outcomes = _run(batch, suite)
    parts = [
        _rows(batch, rule, outcome) if catalogue.judges_rows(rule) else _table(batch, rule, outcome)
        for rule, outcome in zip(suite.rules, outcomes, strict=True)
    ]
    return Verification(conform(pl.concat(parts), VERDICTS), suite.digest)


def _batch(frame: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    """The frame, checked, NaN as null."""
    for rule in suite.rules:
        for name in rule.columns:
            if name not in frame.columns:
                raise SuiteError(unknown(f"expectation {rule.name!r}: column", name, frame.columns))
    _check_key(frame)
    batch = frame.with_columns(cs.float().fill_nan(None))
    for rule in suite.rules:
        for name in rule.columns:
            if rule.type != catalogue.ASKS_FOR_NULL and batch[name].null_count() == len(batch):
                raise BatchError(
                    f"none of the {len(batch)} candidates has a value in column {name!r}; "
                    "look at the scorer or stage that makes it"
                )
    return batch


def _references(suite: Suite, given: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
    """The frames that the suite compares with, checked, NaN as null."""
    found: dict[str, pl.DataFrame] = {}
    for rule in suite.rules:
        name = catalogue.compared(rule)
        if name is None:
            continue
        where = f"expectation {rule.name!r}"
        if name not in given:
            there = f"; there are {', '.join(given)}" if given else "; none are given"
            raise SuiteError(f"{where} compares with rows named {name!r}{there}")
        found.setdefault(name, given[name].with_columns(cs.float().fill_nan(None)))
        for column in rule.columns:
            if column not in found[name].columns:
                known = found[name].columns
                raise SuiteError(unknown(f"{where}: column of the {name} rows", column, known))
            if found[name][column].null_count() == len(found[name]):
                raise BatchError(
                    f"none of the {len(found[name])} {name} rows has a value in column {column!r}; "
                    "look at the scorer or stage that makes it"
                )
    return found


def _check_key(frame: pl.DataFrame) -> None:
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
    try:
        unique_key(frame, KEY, "the batch")
    except SchemaError as error:
        raise BatchError(str(error)) from error


def _run(batch: pl.DataFrame, suite: Suite) -> list[Outcome]:
    """Run a suite in GX; the outcomes are in the order of the suite."""
    context = gx.context()
    asked = [catalogue.expectation(rule, **{RULE: at}) for at, rule in enumerate(suite.rules)]
    asset = context.data_sources.add_pandas("candidates").add_dataframe_asset("round")
    definition = gx.ValidationDefinition(
        name=suite.name,
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=asked)),
    )
    found = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": batch.to_pandas()}, result_format=RESULT_FORMAT
    )
    by_place = {_place(result): result for result in found.results}
    return [
        _outcome(by_place[at], batch, rows=catalogue.judges_rows(rule))
        for at, rule in enumerate(suite.rules)
    ]


def _place(found: gx.ExpectationValidationResult) -> int:
    """The place in the suite of the expectation that a result is of."""
    meta = found.expectation_config.meta if found.expectation_config else None
    return int((meta or {})[RULE])


def _outcome(found: gx.ExpectationValidationResult, batch: pl.DataFrame, *, rows: bool) -> Outcome:
    problem = _raised(found.exception_info)
    if problem is not None:
        return Outcome(f"could not be judged: {problem}")
    if not rows:
        observed = found.result.get("observed_value")
        silent = "observed_value" in found.result and observed is None
        return Outcome(
            "could not be judged: no value was observed" if silent else None,
            bool(found.success),
            observed=observed,
            facts=found.result.get("details") or {},
        )
    listed = found.result.get("unexpected_index_list")
    if listed is None:
        return Outcome("could not be judged: this type names no rows for such a column")
    keys = listed[0] if listed else {name: [] for name in KEY}
    schema = {name: batch.schema[name] for name in KEY}
    failing = pl.DataFrame({name: list(map(int, keys[name])) for name in KEY}, schema=schema)
    return Outcome(None, bool(found.success), failing)


def _raised(info: Mapping[str, Any]) -> str | None:
    """The first line of what was raised, if something was; GX tells it by expectation or metric."""
    each = [info] if "raised_exception" in info else list(info.values())
    messages = [str(one["exception_message"]) for one in each if one["raised_exception"]]
    return details.shortened(messages[0]) if messages else None


def _rows(batch: pl.DataFrame, rule: Rule, outcome: Outcome) -> pl.DataFrame:
    """A verdict per candidate."""
    failing = batch.select(KEY).clear() if outcome.failing is None else outcome.failing
    missing = details.missing(rule.columns, counts=rule.type != catalogue.ASKS_FOR_NULL)
    failed = pl.col(FAILED).fill_null(value=False)
    unjudged = pl.lit(value=outcome.problem is not None) | missing
    return batch.join(
        failing.with_columns(pl.lit(value=True).alias(FAILED)),
        on=KEY,
        how="left",
        maintain_order="left",
    ).select(
        *KEY,
        pl.lit(rule.name).alias("expectation"),
        pl.lit(rule.severity).alias("severity"),
        pl.when(unjudged)
        .then(pl.lit("unknown"))
        .when(failed)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("passed"))
        .alias("verdict"),
        details.observed(batch.schema, rule).alias("observed"),
        details.of_row(batch.schema, rule, outcome.problem, missing, failed).alias("detail"),
    )


def _table(batch: pl.DataFrame, rule: Rule, outcome: Outcome) -> pl.DataFrame:
    """One verdict for the round."""
    seen = outcome.observed
    number = float(seen) if isinstance(seen, numbers.Real) else None
    judged = "passed" if outcome.success else "failed"
    said = None if outcome.success else details.of_table(rule, seen, outcome.facts)
    return pl.DataFrame(
        {
            "round": batch["round"].head(1),
            "row": pl.Series([None], dtype=batch.schema["row"]),
            "expectation": rule.name,
            "severity": rule.severity,
            "verdict": "unknown" if outcome.problem else judged,
            "observed": pl.Series([number], dtype=pl.Float64),
            "detail": pl.Series([outcome.problem or said], dtype=pl.String),
        }
    )
