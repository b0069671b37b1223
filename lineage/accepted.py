"""Accepted rows of a round, as numbers of the family tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.index import Ancestry
from lineage.ancestry.segments import Segment

BLOCK: Final = 1 << 20
"""Rows that are described at once, so that memory stays bounded."""


def accepted(index: Ancestry, segment: Segment) -> NDArray[np.int64]:
    """List the numbers of the accepted rows of a round, ascending; round 0 accepts every row."""
    numbers = [block["number"].to_numpy() for block in _blocks(index, segment)]
    return np.concatenate([np.empty(0, np.int64), *numbers])


def _blocks(index: Ancestry, segment: Segment) -> Iterator[pl.DataFrame]:
    last = segment.base + segment.rows
    for start in range(segment.base, last, BLOCK):
        block = np.arange(start, min(start + BLOCK, last), dtype=np.int64)
        yield index.nodes(block).filter(pl.col("decision") == "accepted").select("number")
