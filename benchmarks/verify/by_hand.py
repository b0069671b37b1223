"""The floor: the same verdict table by hand, in Polars expressions of exactly these columns."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from benchmarks.verify.world import BOUNDED, CLASSES, CONFIDENCE, LANGUAGES, LENGTHS, PATTERN

SHOWN = 40
"""Characters of a text that a reason shows."""


def verdicts(frame: pl.DataFrame, *, reasons: bool) -> pl.DataFrame:
    """Every verdict, in the columns of `lineage.schema.VERDICTS`.

    Args:
        frame: from `world.candidates`.
        reasons: say why a row was not passed, as a filter of each rule; without them the column is
            null.
    """
    parts = [*_known(frame, reasons=reasons), *_bounded(frame, reasons=reasons), _classes(frame)]
    return pl.concat(parts)


def _known(frame: pl.DataFrame, *, reasons: bool) -> Iterator[pl.DataFrame]:
    for name in BOUNDED:
        lacks = pl.col(name).is_null()
        yield _verdicts(
            frame,
            f"{name}_known",
            lacks,
            pl.lit(value=True),
            pl.col(name).cast(pl.Float64) if frame.schema[name].is_numeric() else None,
            pl.when(lacks).then(pl.lit(f"{name} has no value")) if reasons else None,
        )


def _bounded(frame: pl.DataFrame, *, reasons: bool) -> Iterator[pl.DataFrame]:
    text, label, predicted = (pl.col(name) for name in ("text", "label", "predicted"))
    confidence, language = (pl.col(name) for name in ("confidence", "language"))
    low, high = CONFIDENCE
    least, most = LENGTHS
    shown = text.str.slice(0, SHOWN)
    asked = {
        "confidence_high": f"min_value {low}, max_value {high}",
        "language_listed": f"value_set {json.dumps(LANGUAGES)}",
        "text_asks": f"regex {json.dumps(PATTERN)}",
        "text_length": f"min_value {least}, max_value {most}",
    }
    said = {
        "confidence_high": pl.format("confidence {}", confidence.round_sig_figs(4)),
        "language_listed": pl.format("language '{}'", language.str.slice(0, SHOWN)),
        "text_asks": pl.format("text '{}'", shown),
        "text_length": pl.format("text '{}'", shown),
        "label_agrees": pl.format("label {}, predicted {}", label, predicted),
    }
    judged = {
        "confidence_high": (confidence, confidence.is_between(low, high), confidence),
        "language_listed": (language, language.is_in(LANGUAGES), None),
        "text_asks": (text, text.str.contains(PATTERN), None),
        "text_length": (text, text.str.len_chars().is_between(least, most), None),
    }
    for name, (column, holds, seen) in judged.items():
        lacking = pl.lit(f"{column.meta.output_name()} has no value")
        reason = pl.when(column.is_null()).then(lacking)
        reason = reason.otherwise(said[name] + pl.lit(f"; asked: {asked[name]}"))
        severity = "warning" if name == "confidence_high" else "critical"
        yield _verdicts(
            frame, name, column.is_null(), holds, seen, reason if reasons else None, severity
        )
    lacks = label.is_null() | predicted.is_null()
    lacking = pl.concat_str(
        pl.when(label.is_null()).then(pl.lit("label")),
        pl.when(predicted.is_null()).then(pl.lit("predicted")),
        separator=", ",
        ignore_nulls=True,
    )
    reason = pl.when(lacks).then(lacking + " has no value").otherwise(said["label_agrees"])
    seen = label.cast(pl.Float64)
    yield _verdicts(
        frame, "label_agrees", lacks, label == predicted, seen, reason if reasons else None
    )


def _verdicts(
    frame: pl.DataFrame,
    name: str,
    lacks: pl.Expr,
    holds: pl.Expr,
    seen: pl.Expr | None,
    reason: pl.Expr | None,
    severity: str = "critical",
) -> pl.DataFrame:
    told = frame.select(told=lacks | ~holds).to_series()
    detail: pl.Series | pl.Expr = pl.lit(None, pl.String)
    if reason is not None:
        texts = frame.filter(told).select(reason).to_series()
        detail = texts.gather(pl.select(pl.when(told).then(told.cum_sum() - 1)).to_series())
    return frame.select(
        "round",
        "row",
        pl.lit(name).alias("expectation"),
        pl.lit(severity).alias("severity"),
        pl.when(lacks)
        .then(pl.lit("unknown"))
        .when(told)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("passed"))
        .alias("verdict"),
        (pl.lit(None, pl.Float64) if seen is None else seen).alias("observed"),
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
