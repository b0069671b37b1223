"""Runs a suite in Great Expectations, and returns which rows fail.

Each expectation runs through GX's own validator and engine, on the columns that it judges. GX's
result lists failing rows one by one, as Python objects, and is copied several times; the condition
behind it, one boolean per row, is a metric that the engine computes anyway. So only the success
flag is taken from the result, and the rows from the condition. Another engine would be another
class with `conditions` and another `_failing`; callers see positions only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

from expectations import catalogue, details, gx, patterns
from expectations.errors import CannotJudge
from expectations.suite import Rule, Suite

VERSION: Final = "outcomes/1"
"""Raised when the questions to Great Expectations, or the reading of its answers, change."""

CONDITION: Final = ".condition"
"""Suffix of the name of GX's metric that tells which rows are unexpected."""
ROWS: Final = {"result_format": {"result_format": "BOOLEAN_ONLY"}}
TABLE: Final = {"result_format": {"result_format": "COMPLETE", "partial_unexpected_count": 0}}
WIDER: Final[Mapping[Any, Any]] = {
    pl.Int8: pl.Int64,
    pl.Int16: pl.Int64,
    pl.Int32: pl.Int64,
    pl.UInt8: pl.Int64,
    pl.UInt16: pl.Int64,
    pl.UInt32: pl.Int64,
    pl.Float32: pl.Float64,
}
"""Wider types, which GX compares as whole columns; it compares the narrow ones value by value."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Great Expectations answers about one expectation."""

    problem: str | None
    """Why the expectation could not be judged; None if it was."""
    success: bool = False
    failing: pl.Series | None = None
    """Whether each row fails, by position in the batch; None for a table expectation."""
    unjudged: pl.Series | None = None
    """Why a row could not be judged, by position, null where it was; None if all rows were."""
    observed: object = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """Further facts that a table expectation reports."""


class Engine(gx.PandasExecutionEngine):
    """GX's engine for pandas, which also keeps the conditions that it computes."""

    def __init__(self) -> None:
        super().__init__(caching=False)
        self.conditions: dict[str, pd.Series] = {}
        """Which rows are unexpected, by the name of the metric."""

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[gx.MetricConfiguration],
        metrics: dict[gx.MetricConfigurationID, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[gx.MetricConfigurationID, Any]:
        """Compute the metrics that GX asks for, and keep the conditions."""
        resolved: dict[gx.MetricConfigurationID, Any] = super().resolve_metrics(
            metrics_to_resolve, metrics, runtime_configuration
        )
        for (name, *_), value in resolved.items():
            if name.endswith(CONDITION):
                self.conditions[name] = value[0]
        return resolved


def outcomes(batch: pl.DataFrame, suite: Suite) -> list[Outcome]:
    """Run a suite that was checked; outcomes are in the order of the suite."""
    engine = Engine()
    validator = gx.Validator(engine, data_context=gx.context())
    results = []
    for rule in suite.rules:
        engine.conditions.clear()
        frame = _frame(batch, rule)
        if rule.type in patterns.TYPES:
            results.append(_of_texts(frame, rule, len(batch)))
            continue
        validator.load_batch_list([gx.Batch(data=frame)])  # type: ignore[arg-type]  # GX names the class
        results.append(_outcome(validator, engine, rule, len(batch)))
    return results


def _frame(batch: pl.DataFrame, rule: Rule) -> pd.DataFrame:
    """Select what a rule judges: its columns, or the whole batch if it may need others.

    It says the same as the columns themselves in what costs GX less. The index says where in the
    batch a row stands.
    """
    if not catalogue.needs_its_columns_alone(rule):
        return batch.to_pandas()
    judged = batch.select(*dict.fromkeys(rule.columns))
    if rule.type in catalogue.ABOUT_ONE_NULL:
        presence = pl.when(pl.all().is_not_null()).then(0.0)
        return judged.select(presence.name.keep()).to_pandas()
    if rule.type == catalogue.BETWEEN:
        judged = judged.cast({dtype: WIDER[dtype] for dtype in judged.dtypes if dtype in WIDER})
    if catalogue.skips_nulls(rule) and judged.dtypes == [pl.String]:
        there = judged.to_series().is_not_null()
        return judged.filter(there).to_pandas().set_index(there.arg_true().to_numpy())
    return judged.to_pandas()


def _outcome(validator: gx.Validator, engine: Engine, rule: Rule, size: int) -> Outcome:
    rows = catalogue.judges_rows(rule)
    expectation = catalogue.expectation(rule)
    (result,) = validator.graph_validate([expectation.configuration], ROWS if rows else TABLE)
    problem = _raised(result.exception_info)
    if problem is not None:
        return Outcome(f"could not be judged: {problem}")
    if not rows:
        return _of_table(result)
    condition = engine.conditions.get(f"{getattr(expectation, 'map_metric', None)}{CONDITION}")
    failing = None if condition is None else _failing(condition, size)
    if failing is None:
        return Outcome("could not be judged: this type names no rows for such a column")
    return Outcome(None, bool(result.success), failing)


def _of_texts(frame: pd.DataFrame, rule: Rule, size: int) -> Outcome:
    """Match texts with patterns ourselves, since GX would match without a time limit."""
    column = frame[rule.columns[0]]
    there = column[column.notna()]
    try:
        matched = patterns.judged(rule, there)
    except CannotJudge as error:
        return Outcome(f"could not be judged: {details.shortened(str(error))}")
    places, failing = there.index.to_numpy(), np.zeros(size, np.bool_)
    failing[places] = matched.failing
    outcome = Outcome(None, not (failing.any() or matched.why), pl.Series(failing))
    if not matched.why:
        return outcome
    why: list[str | None] = [None] * size
    for position, reason in matched.why.items():
        why[places[position]] = reason
    return replace(outcome, unjudged=pl.Series(why, dtype=pl.String))


def _of_table(result: gx.ExpectationValidationResult) -> Outcome:
    observed = result.result.get("observed_value")
    silent = "observed_value" in result.result and observed is None
    return Outcome(
        "could not be judged: no value was observed" if silent else None,
        bool(result.success),
        observed=observed,
        facts=result.result.get("details") or {},
    )


def _failing(condition: object, rows: int) -> pl.Series | None:
    """Return whether each row fails; None if the condition is not one boolean per row.

    Args:
        condition: of the rows that GX judged, by their positions.
        rows: of the batch.
    """
    if not isinstance(condition, pd.Series) or condition.dtype != np.bool_:
        return None
    failing = np.zeros(rows, np.bool_)
    failing[condition.index.to_numpy()] = condition.to_numpy()
    return pl.Series(failing)


def _raised(info: Mapping[str, Any]) -> str | None:
    """Return the first line of what was raised; GX reports it by expectation or by metric."""
    infos = [info] if "raised_exception" in info else list(info.values())
    messages = [str(one["exception_message"]) for one in infos if one["raised_exception"]]
    return details.shortened(messages[0]) if messages else None
