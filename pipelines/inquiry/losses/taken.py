"""Rows of a published round that a take-down took from main after the round was published."""

from __future__ import annotations

from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines.takedown import record

ROWS: Final = pl.Schema({"takedown": pl.String(), "row": pl.Int64(), "sample_id": pl.Binary()})


def rows(lake: Lake, dataset: str, number: int, merge: Commit | None) -> pl.DataFrame:
    """The rows of a round that went after a merge published it, as `ROWS`; none without a merge.

    A later version of the round has other rows under the same numbers, so take-downs before the
    merge are not about it.

    Raises:
        DataError: the record of a take-down cannot be read.
    """
    held = set(record.names(lake)) if merge is not None else set()
    found = [ROWS.to_frame()]
    for commit in lake.log(refs.MAIN, first_parent=True) if held else ():
        if merge is not None and commit.id == merge.id:
            break
        name = commit.metadata.get(record.ENTRY)
        if name in held:
            taken = record.rows(lake, commit.id, str(name))
            own = taken.filter(pl.col("dataset") == dataset, pl.col("round") == number)
            found.append(own.select(pl.lit(name).alias("takedown"), "row", "sample_id"))
    return pl.concat(found).unique(["row", "sample_id"], maintain_order=True)
