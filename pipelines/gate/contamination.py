"""Copies: samples equal or near to real ones, in the training data or in the hold-out.

What is equal or near to held-out rows is a leak. Leaks of a round are looked for once, by the stage
that sees its samples, and stored beside them, so that later rounds need not look again. All
candidates are looked at, refused ones too: one may be a parent of later samples.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.modalities import Modality

TABLE: Final = "leaks"
STORED: Final = ("round", "row", "sample_id", "equal", "distance")
"""Columns of a stored leak."""

SCHEMA = {
    "round": pl.Int32,
    "row": pl.Int64,
    "sample_id": pl.Binary,
    "equal": pl.Boolean,
    "distance": pl.Float64,
    "real_row": pl.Int64,
}


def copies(
    samples: pl.DataFrame, real: pl.DataFrame, near: float, modality: Modality
) -> pl.DataFrame:
    """Find the samples that are equal or near to a real row.

    Args:
        samples: round, row, sample_id, payload.
        real: row, sample_id, payload.
        near: distance at or below which two rows are near-duplicates.
        modality: of both.

    Returns:
        One row per such sample, in order, with an equal real row or else the closest: round, row,
        sample_id, equal (the same content id), distance (0 of equal ones), real_row.
    """
    known = samples.select("round", "row", "sample_id").with_row_index("at")
    same = real.select("sample_id", pl.col("row").alias("real_row")).unique(
        "sample_id", keep="first", maintain_order=True
    )
    equal = known.join(same, on="sample_id").with_columns(
        pl.lit(value=True).alias("equal"), pl.lit(0.0).alias("distance")
    )
    left, right, distance = modality.within(samples, real, near)
    first = np.unique(left, return_index=True)[1]  # the closest comes first
    close = known[left[first]].with_columns(
        real["row"][right[first]].alias("real_row"),
        pl.lit(value=False).alias("equal"),
        pl.Series("distance", distance[first]),
    )
    both = pl.concat([equal, close.join(equal, on="at", how="anti")], how="diagonal").sort("at")
    return both.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def of_candidates(
    candidates: pl.DataFrame, held: pl.DataFrame, near: float, modality: Modality
) -> pl.DataFrame:
    """Find the candidates that leaked from the hold-out: `STORED`.

    Args:
        candidates: round, row, sample_id, payload; one that cannot be read is no copy.
        held: row, sample_id, payload of held-out rows.
        near: as in `copies`.
        modality: as in `copies`.
    """
    whole = modality.readable(candidates, held)
    return copies(candidates.filter(whole), held, near, modality).select(STORED)


def store(lake: Lake, branch: str, dataset: str, number: int, found: pl.DataFrame) -> None:
    """Stage the leaks of a round; that there are none is a table too."""
    lake.write(branch, refs.part(dataset, TABLE, number), found.select(STORED))


def about(found: pl.DataFrame, near: float, key: str) -> dict[str, Any]:
    """What a round's manifest says of its leaks.

    Args:
        found: the leaks.
        near: the distance at or below which they were looked for.
        key: input key of the hold-out in which they were looked for.
    """
    return {"rows": len(found), "near": near, "holdout": key}
