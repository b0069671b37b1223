"""Count right and wrong rows of an audit, and how many of each were kept, by expectation.

An expectation keeps the rows that pass it. The suite keeps the rows of which no critical verdict
is failed or unknown, as stage `curate` does. Verdicts about a whole round keep no rows and are left
out.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import curation

KEY: Final = ("round", "row")
EXPECTATION: Final = "expectation"
"""Column: name of the expectation; null in rows about the whole suite."""
TRUTH: Final = {"right": pl.Boolean, "kind": pl.String}
"""Columns about an audited row; `kind` is the planted error, null if none was planted."""


def kept(verdicts: pl.DataFrame) -> pl.DataFrame:
    """List which rows the suite and each of its row expectations keep.

    Args:
        verdicts: `lineage.schema.VERDICTS`.

    Returns:
        round, row, expectation (null: the suite), severity, kept.
    """
    by_expectation = verdicts.filter(pl.col("row").is_not_null()).select(
        *KEY, EXPECTATION, "severity", (pl.col("verdict") == "passed").alias("kept")
    )
    by_suite = curation.kept(verdicts).select(
        *KEY,
        pl.lit(None, pl.String).alias(EXPECTATION),
        pl.lit(None, pl.String).alias("severity"),
        "kept",
    )
    return pl.concat([by_suite, by_expectation])


def totals(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Count how many candidates the suite and each expectation keep.

    Returns:
        expectation, severity, rows, kept; the suite first, then in the order of the verdicts.
    """
    groups = kept(verdicts).group_by(EXPECTATION, "severity", maintain_order=True)
    return groups.agg(pl.len().cast(pl.Int64).alias("rows"), _count(pl.col("kept")).alias("kept"))


def tally(truth: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Count the right and wrong rows among those whose truth is known.

    Args:
        truth: Columns round, row, right, kind.
        verdicts: Verdicts on these rows; other rows are ignored.

    Returns:
        expectation (null: the suite), kind (null: all kinds), correct, correct_kept, wrong,
        wrong_kept. The right rows count for every kind.
    """
    judged = kept(verdicts).join(truth, on=KEY, how="inner", maintain_order="left")
    right = pl.col("right")
    correct = judged.group_by(EXPECTATION, maintain_order=True).agg(
        _count(right).alias("correct"), _count(right & pl.col("kept")).alias("correct_kept")
    )
    wrong = judged.filter(~right)
    all_kinds = wrong.with_columns(pl.lit(None, pl.String).alias("kind"))
    parts = pl.concat([all_kinds, wrong.filter(pl.col("kind").is_not_null())])
    counted = parts.group_by(EXPECTATION, "kind", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("wrong"), _count(pl.col("kept")).alias("wrong_kept")
    )
    counts = correct.join(
        counted, on=EXPECTATION, how="left", nulls_equal=True, maintain_order="left_right"
    )
    return counts.with_columns(pl.col("wrong", "wrong_kept").fill_null(0)).select(
        EXPECTATION, "kind", "correct", "correct_kept", "wrong", "wrong_kept"
    )


def _count(chosen: pl.Expr) -> pl.Expr:
    return chosen.sum().cast(pl.Int64)
