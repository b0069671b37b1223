"""Attribution: how much of a candidate comes from the exemplars that its prompt showed.

Rule `exemplars/1`: the exemplars of a prompt share half of the weight, each the same; the other
half is the model's, whose training data nobody knows (an opaque root). A prompt without exemplars
leaves everything to the model. It is a convention; docs/decisions/0011 has its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from lineage import edges

RULE: Final = "exemplars/1"
SHARE: Final = 0.5
"""Weight of all exemplars of a prompt together."""


def parents(
    dataset: str,
    pool: pl.DataFrame,
    rows: Sequence[int],
    shown: Sequence[Sequence[int]],
    *,
    relation: str = "seed",
    besides: int = 0,
) -> pl.DataFrame:
    """Return the edges from candidates to their exemplars.

    Args:
        dataset: of the exemplars.
        pool: round and row of each exemplar.
        rows: of the candidates.
        shown: for each candidate, the numbers of its exemplars in the pool.
        relation: of the candidates to their exemplars.
        besides: parents that each candidate has besides, which share the weight.

    Returns:
        As `lineage.edges.PARENT`.
    """
    counts = np.asarray([len(each) for each in shown], dtype=np.int64)
    flat = np.asarray([number for each in shown for number in each], dtype=np.int64)
    drawn = pool.select("round", pl.col("row").alias("parent_row"))[flat]
    parent_edges = drawn.with_columns(
        pl.Series("row", np.repeat(np.asarray(rows, dtype=np.int64), counts)),
        pl.lit(dataset).alias("dataset"),
        pl.lit(relation).alias("relation"),
        pl.Series("weight", SHARE / np.repeat(counts + besides, counts)),
    )
    return parent_edges.select(pl.col(name).cast(kind) for name, kind in edges.PARENT.items())
