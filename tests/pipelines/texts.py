"""Frames of texts as scorers see them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def frame(texts: Sequence[str | None], number: int = 1) -> pl.DataFrame:
    """round, row and text, rows from 0."""
    made = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).with_row_index("row")
    return made.select(
        pl.lit(number, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "text"
    )


HOSTILE = [
    "", " ", "\x00", "\u202eevil\u202c", "\U0001f469\u200d\U0001f467", "é" * 3000, "{" * 5000,
    "[" * 100_000, "a@" * 2000, "1" * 5000, "+1 " * 1000, "GB" + "0" * 40, ":" * 200,
    "日本語のテキスト", "\ufdfa" * 50, "%s {0} \\", "1." * 1000,
]  # fmt: skip
"""Texts that break programs which expect sentences."""
