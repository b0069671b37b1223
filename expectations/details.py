"""Details of verdicts: the value that was observed, and the limits."""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from expectations.suite import Rule

LONGEST: Final = 200
"""Characters that are kept of a foreign message or value."""
TEXT: Final = 40
"""Characters that are shown of a text value."""
VERDICTS: Final = ("passed", "failed", "unknown")
LIMITS: Final = "; asked: "
"""Separator between what was observed and the limits, in stored details."""


def shortened(text: str) -> str:
    """Return the first non-empty line of a text, cut to a bounded length."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def missing(columns: Sequence[str], *, counts: bool) -> pl.Expr:
    """Whether a row lacks a value in one of the columns, where that counts."""
    lacking = pl.any_horizontal(pl.col(name).is_null() for name in columns)
    return lacking & pl.lit(value=counts)


def observed(schema: Mapping[str, pl.DataType], rule: Rule) -> pl.Expr:
    """Build the number in the first column of a rule; null where it holds no numbers."""
    first = rule.columns[0]
    if not schema[first].is_numeric():
        return pl.lit(None, pl.Float64)
    return pl.col(first).cast(pl.Float64)


def of_row(schema: Mapping[str, pl.DataType], rule: Rule, lacks: pl.Expr) -> pl.Expr:
    """Build the detail of rows that failed or could not be judged.

    Args:
        schema: of the frame.
        rule: that judged the row.
        lacks: whether the row lacks a value; otherwise it failed.
    """
    values = pl.concat_str([_value(name, schema[name]) for name in rule.columns], separator=", ")
    return pl.when(lacks).then(_without(rule.columns)).otherwise(values + pl.lit(_limits(rule)))


def _without(columns: Sequence[str]) -> pl.Expr:
    """Build which columns lack a value."""
    says = " has no value"
    if len(columns) == 1:
        return pl.lit(columns[0] + says)
    lacking = (pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in columns)
    return pl.concat_str([*lacking], separator=", ", ignore_nulls=True) + says


def of_table(rule: Rule, seen: object, facts: Mapping[str, object]) -> str:
    """Write why a table failed.

    Args:
        rule: that judged it.
        seen: what it observed.
        facts: what else it knows; only numbers and text are shown.
    """
    told = "not as expected" if seen is None else f"observed {figures(seen, facts)}"
    return shortened(told) + _limits(rule)


def without_limits(column: str) -> pl.Expr:
    """Build a detail without its limits."""
    return pl.col(column).str.replace(rf"(?s){LIMITS}.*$", "")


def figures(seen: object, facts: Mapping[str, object]) -> str:
    """Write what was observed and further facts on one line, with short numbers."""
    texts = (f"{name} {_short(value)}" for name, value in facts.items() if _plain(value))
    return "; ".join([_short(seen), *texts])


def _plain(value: object) -> bool:
    return isinstance(value, str | numbers.Real)


def _short(value: object) -> str:
    return str(float(f"{value:.4g}")) if isinstance(value, float) else str(value)


def _limits(rule: Rule) -> str:
    limits = ", ".join(f"{name} {json.dumps(value)}" for name, value in rule.limits.items())
    return f"{LIMITS}{shortened(limits)}" if limits else ""


def _value(name: str, dtype: pl.DataType) -> pl.Expr:
    """Build a column's name and value as text: bytes by their number, other types by name only."""
    column = pl.col(name)
    if dtype.is_float():
        return pl.format("{} {}", pl.lit(name), column.round_sig_figs(4))
    if dtype.is_integer() or dtype == pl.Boolean:
        return pl.format("{} {}", pl.lit(name), column)
    if dtype in {pl.String, pl.Enum, pl.Categorical}:
        return pl.format("{} '{}'", pl.lit(name), column.cast(pl.String).str.slice(0, TEXT))
    if dtype == pl.Binary:
        return pl.format("{} of {} bytes", pl.lit(name), column.bin.size())
    return pl.lit(name)
