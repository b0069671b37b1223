"""Why candidates did not pass: verdicts grouped by expectation and reason, with examples.

A detail quotes the observed value, so nearly every detail about numbers is unique. Here a number
out of bounds counts as one reason per side, other fractions are left out, and only values that
recur (labels, words, whole numbers) tell reasons apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from expectations import details
from lineage.curation import HARMLESS
from lineage.schema import SEVERITIES, VERDICTS, conform

BETWEEN: Final = "expect_column_values_to_be_between"
"""The type whose limits apply to the number that was observed."""
SHOWN: Final = 8
"""Most reasons listed per expectation."""
COMBINATIONS: Final = 12
"""Most sets of expectations listed that fail together."""
FRACTION: Final = r"-?(?:\d+\.\d+(?:e[-+]?\d+)?|\bNaN\b|\binf\b)"
NO_REASON: Final = "no reason given"
LIMITS: Final = pl.Schema(
    {
        "expectation": pl.String,
        "column": pl.String,
        "single": pl.Boolean,
        "low": pl.Float64,
        "high": pl.Float64,
    }
)
AT: Final = ("expectation", "verdict", "reason")


@dataclass(frozen=True, slots=True)
class Reason:
    """Verdicts of one expectation with the same reason."""

    verdict: str
    """Either failed or unknown."""
    text: str
    count: int
    least: float | None
    """Least number that was observed; None where none was."""
    most: float | None
    rows: tuple[int, ...]
    """The first candidates; empty where the whole round was judged."""

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON."""
        return {
            "verdict": self.verdict,
            "reason": self.text,
            "count": self.count,
            "observed": [self.least, self.most] if self.least is not None else None,
            "rows": list(self.rows),
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts of one expectation on a round."""

    name: str
    severity: str
    level: str
    """Either row or table."""
    sentence: str
    """What the expectation asks for, as a sentence."""
    limits: Mapping[str, Any]
    passed: int
    failed: int
    unknown: int
    observed: float | None
    """The observed figure of a table expectation."""
    reasons: tuple[Reason, ...]

    @property
    def verdict(self) -> str:
        """The worst of the verdicts."""
        return "failed" if self.failed else "unknown" if self.unknown else "passed"

    def to_dict(self) -> dict[str, Any]:
        """Return the expectation as JSON, without the reasons."""
        names = ("severity", "level", "sentence", "passed", "failed", "unknown", "observed")
        fields = {name: getattr(self, name) for name in names}
        return {"expectation": self.name, **fields, "limits": dict(self.limits)}


@dataclass(frozen=True, slots=True)
class Together:
    """A set of expectations that the same candidates did not pass."""

    names: tuple[str, ...]
    """Names of the expectations; one with an unknown verdict ends in a question mark."""
    rejects: bool
    """Whether one of them is critical."""
    count: int
    rows: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the set as JSON."""
        return {
            "expectations": list(self.names),
            "rejects": self.rejects,
            "count": self.count,
            "rows": list(self.rows),
        }


def judged(
    verdicts: pl.DataFrame, entries: Mapping[str, Mapping[str, Any]], rows: int
) -> list[Judged]:
    """Group the verdicts of a round: critical expectations first, then those that fail most.

    Args:
        verdicts: as `lineage.schema.VERDICTS`.
        entries: by expectation, what the manifest of the round says: severity, level, counts, and
            where known type, columns, sentence and limits.
        rows: of each reason that are named.
    """
    typed = conform(verdicts, VERDICTS)
    against = typed.filter(pl.col("verdict").fill_null("unknown") != "passed")
    counted = _few(_counted(against, entries, rows), rows)
    by_name = {str(name): part for (name,), part in counted.group_by("expectation")}
    whole = typed.filter(pl.col("row").is_null()).select("expectation", "observed")
    figures = dict(whole.iter_rows())
    grouped = [
        Judged(
            name=name,
            severity=entry["severity"],
            level=entry["level"],
            sentence=entry.get("sentence") or "",
            limits=entry.get("limits") or {},
            **{word: entry.get(word, 0) for word in details.VERDICTS},
            observed=figures.get(name),
            reasons=_reasons(by_name.get(name)),
        )
        for name, entry in entries.items()
    ]
    return sorted(grouped, key=_order)


def together(verdicts: pl.DataFrame, rows: int) -> list[Together]:
    """Find the sets of expectations that the same candidates did not pass, most common first.

    Args:
        verdicts: as `lineage.schema.VERDICTS`.
        rows: of each set that are named.
    """
    against = conform(verdicts, VERDICTS).filter(
        pl.col("row").is_not_null(), pl.col("verdict").fill_null("unknown") != "passed"
    )
    mark = pl.when(pl.col("verdict") == "failed").then(pl.lit("")).otherwise(pl.lit("?"))
    names = pl.concat_str("expectation", mark).sort().alias("names")
    rejects = (~pl.col("severity").is_in(list(HARMLESS))).any().alias("rejects")
    sets = (
        against.group_by("row")
        .agg(names, rejects)
        .sort("row")
        .group_by("names", maintain_order=True)
        .agg(pl.col("rejects").any(), pl.len().alias("count"), pl.col("row").head(rows))
        .sort("count", descending=True, maintain_order=True)
        .head(COMBINATIONS)
    )
    return [
        Together(tuple(names), rejects, count, tuple(row))
        for names, rejects, count, row in sets.iter_rows()
    ]


def _order(item: Judged) -> tuple[int, int]:
    rank = SEVERITIES.index(item.severity) if item.severity in SEVERITIES else 0
    return rank, -(item.failed + item.unknown)


def _counted(
    against: pl.DataFrame, entries: Mapping[str, Mapping[str, Any]], rows: int
) -> pl.DataFrame:
    """Count each reason: expectation, verdict, reason, count, least, most, row."""
    limit_rows = [_limits(name, entry) for name, entry in entries.items()]
    limits = pl.DataFrame(limit_rows, schema=LIMITS, orient="row")
    observed = pl.col("observed").filter(pl.col("single").fill_null(value=True))
    failed, out = pl.col("verdict") == "failed", pl.col("side").is_not_null()
    seen = (
        against.join(limits, on="expectation", how="left", maintain_order="left")
        .with_columns(pl.col("verdict").fill_null("unknown"))
        .with_columns(pl.when(failed).then(_side()).alias("side"))
        .group_by(
            "expectation",
            "verdict",
            "side",
            pl.when(~out).then("detail").alias("detail"),
            pl.col("row").is_null().alias("whole"),
            maintain_order=True,
        )
        .agg(
            pl.len().alias("count"),
            observed.min().alias("least"),
            observed.max().alias("most"),
            pl.col("row").drop_nulls().bottom_k(rows).sort(),
            pl.col("column", "low", "high").first(),
        )
    )
    return _merged(seen.with_columns(_reason().fill_null(NO_REASON).alias("reason")), rows)


def _merged(groups: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Merge groups that have the same reason, most common first."""
    return (
        groups.group_by(AT, maintain_order=True)
        .agg(
            pl.col("count").sum(),
            pl.col("least").min(),
            pl.col("most").max(),
            pl.col("row").explode().drop_nulls().bottom_k(rows).sort(),
            pl.len().alias("values"),
        )
        .sort("count", descending=True, maintain_order=True)
    )


def _limits(name: str, entry: Mapping[str, Any]) -> tuple[object, ...]:
    """Find the limits on the observed number, and whether it is the number of one column."""
    columns = entry.get("columns") or ()
    limits = (entry.get("limits") or {}) if entry.get("type") == BETWEEN else {}
    low, high = (_number(limits.get(name)) for name in ("min_value", "max_value"))
    return name, ", ".join(columns), len(columns) <= 1, low, high


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _side() -> pl.Expr:
    """Build the side of the limits on which a number lies; null within them or without limits."""
    seen = pl.col("observed")
    return (
        pl.when(seen <= pl.col("low"))
        .then(pl.lit("below"))
        .when(seen >= pl.col("high"))
        .then(pl.lit("above"))
    )


def _reason() -> pl.Expr:
    """Build the text that tells reasons apart."""
    detail = details.without_limits("detail")
    judged = (pl.col("verdict") == "failed") & ~pl.col("whole")
    return (
        pl.when(pl.col("side") == "below")
        .then(pl.format("{} below {}", "column", "low"))
        .when(pl.col("side") == "above")
        .then(pl.format("{} above {}", "column", "high"))
        .when(judged)
        .then(detail.str.replace_all(FRACTION, "…"))
        .otherwise(detail)
    )


def _few(counted: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Keep the most common reasons of each expectation and verdict, and merge the others."""
    rank = pl.int_range(pl.len()).over("expectation", "verdict")
    many = pl.len().over("expectation", "verdict") > SHOWN
    alone = pl.col("count").max().over("expectation", "verdict") == 1
    rest = many & ((rank >= SHOWN - 1) | alone)
    merged = _merged(counted.with_columns(pl.when(~rest).then("reason").alias("reason")), rows)
    other = pl.format("{} other reasons", "values")
    last = merged.sort(pl.col("reason").is_null(), maintain_order=True)
    return last.with_columns(pl.col("reason").fill_null(other))


def _reasons(groups: pl.DataFrame | None) -> tuple[Reason, ...]:
    if groups is None:
        return ()
    columns: Sequence[str] = ("verdict", "reason", "count", "least", "most", "row")
    return tuple(
        Reason(verdict, text, count, least, most, tuple(rows))
        for verdict, text, count, least, most, rows in groups.select(columns).iter_rows()
    )
