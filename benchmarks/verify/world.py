"""The candidates that are verified, and the suite that verifies them.

A share of the rows breaks each bound and a tenth of that share has no value, drawn by column.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from expectations.suite import Rule, Suite

LANGUAGES: Final = ("de", "en", "es", "fr", "it")
PATTERN: Final = "^Q[0-9]+: .*[?]$"
LENGTHS: Final = (10, 70)
CONFIDENCE: Final = (0.5, 1.0)
CLASSES: Final = 10
BOUNDED: Final = ("confidence", "language", "text", "label", "predicted")
"""Columns whose values are judged; each is asked for its values too."""


def rule(name: str, kind: str, severity: str = "critical", **kwargs: object) -> Rule:
    """One expectation, named."""
    return Rule(name, f"expect_{kind}", kwargs, severity, {"name": name})


SUITE: Final = Suite(
    "benchmark",
    (
        *(rule(f"{name}_known", "column_values_to_not_be_null", column=name) for name in BOUNDED),
        rule(
            "confidence_high",
            "column_values_to_be_between",
            "warning",
            column="confidence",
            min_value=CONFIDENCE[0],
            max_value=CONFIDENCE[1],
        ),
        rule(
            "language_listed",
            "column_values_to_be_in_set",
            column="language",
            value_set=list(LANGUAGES),
        ),
        rule("text_asks", "column_values_to_match_regex", column="text", regex=PATTERN),
        rule(
            "text_length",
            "column_value_lengths_to_be_between",
            column="text",
            min_value=LENGTHS[0],
            max_value=LENGTHS[1],
        ),
        rule(
            "label_agrees", "column_pair_values_to_be_equal", column_A="label", column_B="predicted"
        ),
        rule(
            "classes_supported",
            "column_classes_to_have_support",
            column="label",
            classes=list(range(CLASSES)),
            min_count=1,
        ),
    ),
)
"""Ten expectations that judge rows, and one of the project's own that judges the table."""


def candidates(rows: int, failures: float, seed: int = 0) -> pl.DataFrame:
    """One round of candidates, of which this share breaks each bound."""
    random = np.random.default_rng(seed)

    def share(of: float) -> pl.Series:
        return pl.Series(random.random(rows) < of)

    numbers = pl.Series("number", random.integers(0, 10**6, rows))
    words = pl.Series("words", random.integers(1, 8, rows))
    labels = pl.Series("label", random.integers(0, CLASSES, rows))
    made = pl.DataFrame({"row": np.arange(rows, dtype=np.int64)}).select(
        pl.lit(1, pl.Int32).alias("round"),
        "row",
        confidence=pl.Series(random.uniform(*CONFIDENCE, rows)) - share(failures).cast(pl.Float64),
        language=pl.when(share(failures))
        .then(pl.lit("xx"))
        .otherwise(
            pl.Series(random.integers(0, len(LANGUAGES), rows))
            .cast(pl.String)
            .replace_strict({str(at): name for at, name in enumerate(LANGUAGES)})
        ),
        text=pl.format(
            "{}{}: {}{}?",
            pl.when(share(failures)).then(pl.lit("A")).otherwise(pl.lit("Q")),
            numbers,
            pl.lit("what is ").repeat_by(words).list.join(""),
            pl.when(share(failures)).then(pl.lit("so " * 20)).otherwise(pl.lit("")),
        ),
        label=labels,
        predicted=(labels + share(failures).cast(pl.Int64)) % CLASSES,
    )
    return made.with_columns(
        pl.when(~share(failures / 10)).then(pl.col(name)).alias(name) for name in BOUNDED
    )
