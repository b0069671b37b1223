"""Rows that generators made, by their content: what may not come back as real data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import schema
from pipelines.rounds.metadata import StageMetadata

IDS: Final = pl.Schema({"row": pl.Int64(), "sample_id": pl.Binary()})


class MadeRound(NamedTuple):
    """A round after round 0, and a ref that holds it."""

    ref: str
    dataset: str
    number: int


def rounds_before(lake: Lake, main: str, before: float = math.inf) -> Iterator[MadeRound]:
    """The rounds after round 0 that were generated before a time, on main or on a branch.

    Args:
        lake: the lake.
        main: the commit of main at that time.
        before: the time, in Unix seconds.
    """
    for item in lake.objects(main):
        name, number = item.path.partition("/")[0], refs.round_of(item.path)
        if number and item.path == refs.manifest(name, number):
            yield MadeRound(main, name, number)
    for branch, head in sorted(lake.branches().items()):
        match = refs.BRANCH.match(branch)
        number = int(match["round"]) if match else 0
        if match is None or number == 0:
            continue
        if _generated_at(lake, head, match["dataset"], number) < before:
            yield MadeRound(head, match["dataset"], number)


def before_arrival(
    lake: Lake, main: str, dataset: str, number: int, before: float = math.inf
) -> Iterator[MadeRound]:
    """The rounds whose content a later round of real data may not bring.

    Of its own data set these are the rounds before it; of others those that main holds.

    Args:
        lake: the lake.
        main: the commit of main that the round starts from.
        dataset: its data set.
        number: its number.
        before: as in `rounds_before`.
    """
    for made in rounds_before(lake, main, before):
        if made.number < number if made.dataset == dataset else made.ref == main:
            yield made


def ids(lake: Lake, ref: str, dataset: str, table: str, number: int) -> pl.DataFrame:
    """Rows and sample ids of a round's table at a ref; empty where the ref does not hold it."""
    return _read(lake, ref, dataset, table, number, generated=False)


def generated_ids(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    """Rows and sample ids of the candidates of a round that are not real; empty as `ids`."""
    return _read(lake, ref, dataset, "lineage", number, generated=True)


def _read(
    lake: Lake, ref: str, dataset: str, table: str, number: int, *, generated: bool
) -> pl.DataFrame:
    try:
        rows = lake.scan(ref, refs.partition(dataset, table, number))
    except NotFoundError:
        return IDS.to_frame()
    if generated:
        rows = rows.filter(pl.col("kind").cast(pl.String).ne_missing("real"))
    with schema.readable(f"the {table} of round {number} of {dataset} at {ref}"):
        return rows.select(
            pl.col("row").cast(pl.Int64), pl.col("sample_id").cast(pl.Binary)
        ).collect()


def _generated_at(lake: Lake, head: str, dataset: str, number: int) -> float:
    """When the candidates of a branch were generated (Unix seconds); infinity if never."""
    for commit in lake.log(head, first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        if metadata is None or (metadata.dataset, metadata.round) != (dataset, number):
            break
        if metadata.stage == "generate":
            return commit.created
    return math.inf
