"""Contamination: what leaked from the hold-out, and what came of it through explicit parents.

A sample that was rewritten twice shares no n-gram and hardly a pixel with the held-out row that it
began as, but its parents lead there. So leaks are looked for where they enter, by content, and
followed from there by ancestry.
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
"""Why a row is tainted; named like the guard's checks."""

NODE: Final = schema.OCCURRENCE.to_schema()
TAINTED: Final = pl.Schema({**NODE, "why": pl.String()})
"""Tainted occurrences; each comes once, for the strongest reason there is."""


def seeds(leaks: pl.DataFrame) -> pl.DataFrame:
    """Leaks as tainted occurrences.

    Args:
        leaks: dataset, round, row, equal; other columns are ignored.
    """
    equal = pl.col("equal").fill_null(value=True)
    why = pl.when(equal).then(pl.lit(EQUAL)).otherwise(pl.lit(NEAR)).alias("why")
    return _once(leaks.with_columns(why).select(list(TAINTED)))


def spread(index: Ancestry, leaks: pl.DataFrame) -> pl.DataFrame:
    """Follow leaks to everything that descends from them by seed and edited edges.

    What went through a whole training mix has no such edge and does not count: a fit leaves tainted
    rows out.

    Args:
        index: the family tree.
        leaks: dataset, round, row, equal; rows that the index does not hold stay in the list.

    Returns:
        `TAINTED`: the leaks and their descendants, by data set, round and row.
    """
    first = seeds(leaks)
    known = index.numbers(first.select(list(NODE)))
    found = descendants(index, known[known >= 0], weak=False).hard
    later = index.nodes(found).select(list(NODE)).with_columns(pl.lit(DESCENDS).alias("why"))
    return _once(pl.concat([first, later.cast(TAINTED)]))


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep one row for each occurrence, for the reason that comes first."""
    order = pl.Enum([EQUAL, NEAR, DESCENDS])
    ordered = rows.cast(TAINTED).sort(*NODE, pl.col("why").cast(order))
    return ordered.unique(list(NODE), keep="first", maintain_order=True)
