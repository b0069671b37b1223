"""Contamination: samples that leaked from the hold-out, and their descendants.

A sample that was rewritten twice shares no n-gram and hardly a pixel with the held-out row that it
began as, but its explicit parents lead there. So a leak is detected by content where it enters the
lake, and propagated from there along the ancestry.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import schema
from lineage.ancestry.index import Ancestry
from lineage.ancestry.walks import descendants

EQUAL: Final = "holdout_equal"
NEAR: Final = "holdout_near"
DESCENDS: Final = "holdout_ancestry"
"""Why a row is contaminated; the reasons are named like the guard's checks."""

NODE: Final = schema.OCCURRENCE.to_schema()
CONTAMINATED: Final = pl.Schema({**NODE, "why": pl.String()})
"""Contaminated occurrences, each once, with the strongest of its reasons in `why`."""


def seeds(leaks: pl.DataFrame) -> pl.DataFrame:
    """List leaks as contaminated occurrences.

    Args:
        leaks: dataset, round, row, equal; other columns are ignored. A null in `equal` counts as
            equal.

    Returns:
        `CONTAMINATED`, by data set, round and row.
    """
    equal = pl.col("equal").fill_null(value=True)
    why = pl.when(equal).then(pl.lit(EQUAL)).otherwise(pl.lit(NEAR)).alias("why")
    return _once(leaks.with_columns(why).select(list(CONTAMINATED)))


def propagate(index: Ancestry, leaks: pl.DataFrame) -> pl.DataFrame:
    """Propagate contamination from leaks to all direct descendants, by seed and edited edges.

    What went through a whole training mix has no such edge and does not count, because a fit
    leaves contaminated rows out.

    Args:
        index: the family tree.
        leaks: dataset, round, row, equal; rows that the index does not hold stay in the list.

    Returns:
        `CONTAMINATED`: the leaks and their descendants, by data set, round and row.
    """
    first = seeds(leaks)
    numbers = index.numbers(first.select(list(NODE)))
    direct = descendants(index, numbers[numbers >= 0], include_indirect=False).direct
    later = index.nodes(direct).select(list(NODE)).with_columns(pl.lit(DESCENDS).alias("why"))
    return _once(pl.concat([first, later.cast(CONTAMINATED)]))


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep one row for each occurrence, with the strongest reason."""
    order = pl.Enum([EQUAL, NEAR, DESCENDS])
    ordered = rows.cast(CONTAMINATED).sort(*NODE, pl.col("why").cast(order))
    return ordered.unique(list(NODE), keep="first", maintain_order=True)
