"""The payload of a round as a reviewer sees it: its candidates, and the rows made of some of them.

Candidates are in the generate commit. An edited row is among the samples if it was accepted; one
that was not, as its content is in the lake already, is only named by the decisions.
"""

from __future__ import annotations

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError


def rows(lake: Lake, commit: str, dataset: str, number: int) -> pl.LazyFrame | None:
    """The edited rows of a round at a commit: row; None where reviewers decided nothing there."""
    try:
        table = lake.scan(commit, refs.partition(dataset, refs.REVIEWED, number))
    except NotFoundError:
        return None
    return table.select(pl.col("edited_row").cast(pl.Int64).alias("row")).drop_nulls()


def with_edited(
    lake: Lake, commit: str, candidates: pl.LazyFrame, *, dataset: str, number: int
) -> pl.LazyFrame:
    """Put the accepted edited rows of a round behind its candidates.

    Args:
        lake: the lake.
        commit: the commit at which the round is looked at.
        candidates: its candidates.
        dataset: the data set.
        number: the round.
    """
    edited = rows(lake, commit, dataset, number)
    if edited is None:
        return candidates
    samples = lake.scan(commit, refs.partition(dataset, "samples", number))
    names = candidates.collect_schema().names()
    made = samples.select(names).join(edited, on="row", how="semi")
    return pl.concat([candidates, made], how="vertical_relaxed")


def without_lost(
    lake: Lake, commit: str, lineage: pl.LazyFrame, *, dataset: str, number: int
) -> pl.LazyFrame:
    """Leave out the edited rows that were not accepted, of which the lake has no payload.

    Arguments as `with_edited`, with the lineage in the place of the candidates.
    """
    edited = rows(lake, commit, dataset, number)
    if edited is None:
        return lineage
    samples = lake.scan(commit, refs.partition(dataset, "samples", number)).select("row")
    lost = edited.join(samples, on="row", how="anti")
    return lineage.join(lost, on="row", how="anti", maintain_order="left")
