"""The tables of a data set at a ref, as frames: the one place that knows how they join.

Samples, lineage and decisions are partitioned by round; accepted samples carry their occurrence
(round, row), which is the key of everything else.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFound

OCCURRENCE = ("round", "row")


def read(lake: Lake, ref: str, dataset: str, table: str) -> pl.LazyFrame:
    """All rounds of a table at a ref.

    Raises:
        NotFound: the ref holds no part of the table.
    """
    return lake.scan(ref, refs.table(dataset, table))


def read_round(lake: Lake, ref: str, dataset: str, table: str, number: int) -> pl.DataFrame:
    """One round's part of a table at a ref.

    Raises:
        NotFound: the ref holds no such part.
    """
    return lake.scan(ref, refs.partition(dataset, table, number)).collect()


def rounds(lake: Lake, ref: str, dataset: str) -> list[int]:
    """The rounds whose accepted samples a ref holds, in order; 0 is real data."""
    found = {refs.round_of(item.path) for item in lake.objects(ref, refs.table(dataset, "samples"))}
    return sorted(number for number in found if number is not None)


def real_samples(lake: Lake, ref: str, dataset: str) -> pl.DataFrame:
    """The real training samples at a ref.

    Raises:
        NotFound: the ref holds no real data of this data set.
    """
    return read_round(lake, ref, dataset, "samples", 0)


def accepted_lineage(lake: Lake, ref: str, dataset: str) -> pl.DataFrame:
    """Lineage rows of the accepted samples at a ref."""
    samples = read(lake, ref, dataset, "samples").select(OCCURRENCE)
    return read(lake, ref, dataset, "lineage").join(samples, on=OCCURRENCE, how="semi").collect()


def optional(lake: Lake, ref: str, prefix: str, columns: Sequence[str]) -> pl.DataFrame:
    """A table that may not be there: its columns, or an empty frame."""
    try:
        return lake.scan(ref, prefix).select(columns).collect()
    except NotFound:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
