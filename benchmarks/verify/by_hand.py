"""The floor: the same verdict table by hand, in Polars expressions of exactly these columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from benchmarks.verify.world import BOUNDED, CLASSES, CONFIDENCE, LANGUAGES, LENGTHS, PATTERN

SHOWN = 40
"""Characters of a text that a reason shows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule about rows."""

    name: str
    lacks: pl.Expr
    """Whether a value is missing."""
    holds: pl.Expr
    """Whether the others are as wanted."""
    reason: pl.Expr
    """Why a row is not passed."""
    seen: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.Float64))
    """The number that is judged."""
    severity: str = "critical"


def verdicts(frame: pl.DataFrame, *, reasons: bool) -> pl.DataFrame:
    """Every verdict, in the columns of `lineage.schema.VERDICTS`.

    Args:
        frame: from `world.candidates`.
        reasons: say why a row was not passed; without them the column is null.
    """
    rules = [*(_known(name, frame.schema[name]) for name in BOUNDED), *_bounded(), _agrees()]
    return pl.concat([*(_rows(frame, rule, reasons=reasons) for rule in rules), _classes(frame)])


def _known(name: str, kind: pl.DataType) -> Judged:
    lacks = pl.col(name).is_null()
    seen = pl.col(name).cast(pl.Float64) if kind.is_numeric() else pl.lit(None, pl.Float64)
    reason = pl.when(lacks).then(pl.lit(f"{name} has no value"))
    return Judged(f"{name}_known", lacks, pl.lit(value=True), reason, seen)


def _bounded() -> Iterator[Judged]:
    confidence, language, text = (pl.col(name) for name in ("confidence", "language", "text"))
    shown = pl.format("text '{}'", text.str.slice(0, SHOWN))
    yield Judged(
        "confidence_high",
        confidence.is_null(),
        confidence.is_between(*CONFIDENCE),
        _reason(
            "confidence",
            pl.format("confidence {}", confidence.round_sig_figs(4)),
            "min_value {}, max_value {}".format(*CONFIDENCE),
        ),
        confidence,
        "warning",
    )
    yield Judged(
        "language_listed",
        language.is_null(),
        language.is_in(LANGUAGES),
        _reason(
            "language",
            pl.format("language '{}'", language.str.slice(0, SHOWN)),
            f"value_set {json.dumps(LANGUAGES)}",
        ),
    )
    yield Judged(
        "text_asks",
        text.is_null(),
        text.str.contains(PATTERN),
        _reason("text", shown, f"regex {json.dumps(PATTERN)}"),
    )
    yield Judged(
        "text_length",
        text.is_null(),
        text.str.len_chars().is_between(*LENGTHS),
        _reason("text", shown, "min_value {}, max_value {}".format(*LENGTHS)),
    )


def _agrees() -> Judged:
    label, predicted = pl.col("label"), pl.col("predicted")
    lacks = label.is_null() | predicted.is_null()
    lacking = pl.concat_str(
        pl.when(label.is_null()).then(pl.lit("label")),
        pl.when(predicted.is_null()).then(pl.lit("predicted")),
        separator=", ",
        ignore_nulls=True,
    )
    values = pl.format("label {}, predicted {}", label, predicted)
    reason = pl.when(lacks).then(lacking + " has no value").otherwise(values)
    return Judged("label_agrees", lacks, label == predicted, reason, label.cast(pl.Float64))


def _reason(column: str, value: pl.Expr, asked: str) -> pl.Expr:
    lacking = pl.when(pl.col(column).is_null()).then(pl.lit(f"{column} has no value"))
    return lacking.otherwise(value + pl.lit(f"; asked: {asked}"))


def _rows(frame: pl.DataFrame, rule: Judged, *, reasons: bool) -> pl.DataFrame:
    told = frame.select(told=rule.lacks | ~rule.holds).to_series()
    detail: pl.Series | pl.Expr = pl.lit(None, pl.String)
    if reasons:  # of those rows alone; a million texts to throw away take several times as long
        texts = frame.filter(told).select(rule.reason).to_series()
        detail = texts.gather(pl.select(pl.when(told).then(told.cum_sum() - 1)).to_series())
    return frame.select(
        "round",
        "row",
        pl.lit(rule.name).alias("expectation"),
        pl.lit(rule.severity).alias("severity"),
        pl.when(rule.lacks)
        .then(pl.lit("unknown"))
        .when(told)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("passed"))
        .alias("verdict"),
        rule.seen.alias("observed"),
        detail.alias("detail"),
    )


def _classes(frame: pl.DataFrame) -> pl.DataFrame:
    """The verdict about the table: each class has a row, as it has with so many candidates."""
    counted = frame["label"].drop_nulls().value_counts()
    rarest = float(counted["count"].min()) if len(counted) == CLASSES else 0.0
    return pl.DataFrame(
        {
            "round": frame["round"].head(1),
            "row": pl.Series([None], dtype=pl.Int64),
            "expectation": "classes_supported",
            "severity": "critical",
            "verdict": "passed" if rarest else "failed",
            "observed": pl.Series([rarest], dtype=pl.Float64),
            "detail": pl.Series([None], dtype=pl.String),
        }
    )
