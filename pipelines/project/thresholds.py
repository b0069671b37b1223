"""Expectations about columns, with limits that are measured on real training rows.

Each says where its limit is from: which quantile, of how many rows, in how many folds, and which
share of these rows passes. What too many real rows fail cannot reject a candidate, so it warns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from pipelines.scorers.expected import Expected, Limit, Quantile, Severity

NOT_NULL: Final = "expect_column_values_to_not_be_null"
BETWEEN: Final = "expect_column_values_to_be_between"
IN_SET: Final = "expect_column_values_to_be_in_set"
EQUAL: Final = "expect_column_pair_values_to_be_equal"
LEAST_PASSING: Final = 0.75
"""Share of real rows that must pass an expectation which rejects."""
DIGITS: Final = 3
"""Digits of a measured limit."""

Rule = dict[str, Any]
"""An expectation as in a suite's file."""
Side = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Real:
    """The real rows that limits are measured on."""

    rows: pl.DataFrame
    folds: int

    def where(self) -> str:
        """Say in words what was measured on."""
        return (
            f"{len(self.rows):,} real training rows, each scored without its fold of {self.folds}"
        )


def of_column(column: str, expected: list[Expected], real: Real | None) -> Iterator[Rule]:
    """Write the expectations about a column: first that it has a value, then the others.

    Args:
        column: Of scores.
        expected: What its scorer expects of it, what rejects before what warns of the same.
        real: What is measured on; None: nothing was, and what needs it is not written.
    """
    written = [(each, rule) for each in expected if (rule := _rule(each, real)) is not None]
    rules = list(_distinct(written))
    if not rules:
        return
    rejects = any(rule["severity"] == each.unknown == "critical" for each, rule in rules)
    known = None if real is None else real.rows[column].is_not_null()
    yield _finished(
        f"{column}_known",
        NOT_NULL,
        {"column": column},
        "critical" if rejects else "warning",
        passing=None if known is None else _share(known),
        note=None if real is None else f"Measured on {real.where()}.",
    )
    yield from (rule for _, rule in rules)


def _distinct(rules: Iterable[tuple[Expected, Rule]]) -> Iterator[tuple[Expected, Rule]]:
    """Leave out what asks for the same as one before: two limits that are measured alike."""
    asked: list[tuple[str, Mapping[str, Any]]] = []
    for each, rule in rules:
        if (wanted := (rule["type"], rule["kwargs"])) not in asked:
            asked.append(wanted)
            yield each, rule


def _rule(each: Expected, real: Real | None) -> Rule | None:
    """Write one expectation; None if its limit cannot be measured."""
    if real is not None and real.rows[each.column].null_count() == len(real.rows):
        return None
    if each.equals is not None:
        return _equal(each, real)
    if each.values is not None or each.common is not None:
        return _in_set(each, real)
    return _between(each, real)


def _between(each: Expected, real: Real | None) -> Rule | None:
    limits: dict[Side, Limit | None] = {"low": each.low, "high": each.high}
    arguments: dict[str, Any] = {"column": each.column}
    notes: list[str] = []
    for side, limit in limits.items():
        if limit is None:
            continue
        if isinstance(limit, Quantile):
            if real is None:
                return None
            value, note = _quantile(real.rows[each.column].drop_nulls(), limit, side)
            notes.append(f"{side} {value:g} is {note}")
        else:
            value = limit
        name = "min" if side == "low" else "max"
        arguments[f"{name}_value"] = value
        if each.strict:
            arguments[f"strict_{name}"] = True
    passing = None if real is None else _share(_passes(real.rows[each.column], arguments))
    where = "" if real is None or not notes else f", of {real.where()}"
    note = f"{'; '.join(notes)}{where}." if notes else "The limit is a constant."
    return _finished(each.name, BETWEEN, arguments, each.severity, passing=passing, note=note)


def _quantile(values: pl.Series, limit: Quantile, side: Side) -> tuple[float, str]:
    """Measure a limit, rounded away from the values, and say what it is."""
    measured = float(values.cast(pl.Float64).quantile(limit.share, "linear") or 0.0)
    value = _rounded(measured * limit.factor, side)
    factor = "" if limit.factor == 1 else f"{limit.factor:g} times "
    note = f"{factor}the {100 * limit.share:g} % quantile ({measured:.4g})"
    if limit.most is not None and value > limit.most:
        return limit.most, f"a constant, and {note} lies above it"
    if limit.least is not None and value < limit.least:
        return limit.least, f"a constant, and {note} lies below it"
    return value, note


def _rounded(value: float, side: Side) -> float:
    """Round to `DIGITS` digits, a lower limit down and an upper one up."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(value))))
    whole = math.floor(value * scale) if side == "low" else math.ceil(value * scale)
    return float(f"{whole / scale:.{DIGITS + 3}g}")


def _passes(values: pl.Series, arguments: Mapping[str, Any]) -> pl.Series:
    """Tell which values lie within the limits of an expectation; null where there is none."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    passes = values.is_not_null()
    if low is not None:
        passes &= (values > low) if arguments.get("strict_min") else (values >= low)
    if high is not None:
        passes &= (values < high) if arguments.get("strict_max") else (values <= high)
    return passes


def _in_set(each: Expected, real: Real | None) -> Rule | None:
    note = "The values are constants."
    values = each.values
    if values is None:
        if real is None:
            return None
        counted = real.rows[each.column].drop_nulls().value_counts(sort=True)
        enough = counted.filter(pl.col("count") >= (each.common or 0) * len(real.rows))
        values = tuple(enough[each.column].sort().to_list())
        note = f"Each value is that of {100 * (each.common or 0):g} % or more of {real.where()}."
        if not values:
            return None
    arguments = {"column": each.column, "value_set": list(values)}
    passing = None if real is None else _share(real.rows[each.column].is_in(list(values)))
    return _finished(each.name, IN_SET, arguments, each.severity, passing=passing, note=note)


def _equal(each: Expected, real: Real | None) -> Rule | None:
    if real is not None and each.equals not in real.rows.columns:
        return None
    passing = None
    if real is not None:
        both = real.rows.select(pl.col(each.column, str(each.equals)).cast(pl.String))
        passing = _share(both[each.column] == both[str(each.equals)])
    arguments = {"column_A": each.equals, "column_B": each.column}
    note = None if real is None else f"Measured on {real.where()}."
    return _finished(each.name, EQUAL, arguments, each.severity, passing=passing, note=note)


def _share(passes: pl.Series) -> float:
    """Share of rows that pass; what is unknown does not."""
    return float(passes.fill_null(value=False).mean() or 0.0)  # type: ignore[arg-type]


def _finished(
    name: str,
    kind: str,
    arguments: Mapping[str, Any],
    severity: Severity,
    *,
    passing: float | None,
    note: str | None,
) -> Rule:
    """Write an expectation; one that too many real rows fail only warns."""
    lowered = severity == "critical" and passing is not None and passing < LEAST_PASSING
    meta: dict[str, Any] = {"name": name}
    if passing is not None:
        meta["real_rows_pass"] = round(passing, 4)
    said = [note] if note else []
    if lowered:
        said.append(f"It only warns, because {1 - passing:.0%} of real rows fail it.")  # type: ignore[operator]
    if said:
        meta["measured"] = " ".join(said)
    return {
        "type": kind,
        "kwargs": dict(arguments),
        "severity": "warning" if lowered else severity,
        "meta": meta,
    }
