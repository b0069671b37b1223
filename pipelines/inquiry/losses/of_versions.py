"""What became of the rows that main held when a round was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Commit
from lineage import schema
from pipelines.inquiry.losses.endings import ACCEPTED, PREFIX, SUPERSEDED, Ending, VersionBefore

EXAMPLES: Final = 3
KEY: Final = ("row", "sample_id")


def before(lake: Lake, dataset: str, merge: Commit) -> VersionBefore:
    """Account for the rows of the version before a merge.

    Rounds whose parts are the same objects on both sides are counted and not compared.

    Args:
        lake: the lake.
        dataset: the data set.
        merge: the commit that published a round.
    """
    first = merge.parents[0]
    then, now = _parts(lake, first, dataset), _parts(lake, merge.id, dataset)
    kept, rows, ended = 0, 0, list[Ending]()
    for number, held in sorted(then.items()):
        count = _count(lake, first, dataset, number)
        rows += count
        if now.get(number) == held:
            kept += count
            continue
        gone = _gone(lake, dataset, number, first, merge.id)
        kept += count - len(gone)
        ended += _ended(gone, number, merge)
    carried = [Ending(ACCEPTED, kept, reason="carried on")] if kept else []
    return VersionBefore(first, rows, (*carried, *ended))


def _ended(gone: pl.DataFrame, number: int, merge: Commit) -> Iterator[Ending]:
    """The endings of rows of a round that a merge does not hold any more."""
    if len(gone):
        ids = gone["sample_id"].head(EXAMPLES).bin.encode("hex").str.head(PREFIX)
        reason = f"round {number}, by {merge.id[:PREFIX]}"
        yield Ending(SUPERSEDED, len(gone), reason=reason, examples=tuple(ids))


def _parts(lake: Lake, ref: str, dataset: str) -> Mapping[int, Sequence[tuple[str, str]]]:
    """Paths and checksums of the samples of a data set, by round."""
    found: dict[int, list[tuple[str, str]]] = {}
    for item in lake.objects(ref, refs.table(dataset, "samples")):
        number = refs.round_of(item.path)
        if number is not None:
            found.setdefault(number, []).append((item.path, item.checksum))
    return {number: sorted(held) for number, held in found.items()}


def _gone(lake: Lake, dataset: str, number: int, first: str, now: str) -> pl.DataFrame:
    """Rows of a round that one commit holds and a later one does not: row, sample_id."""
    held = _rows(lake, first, dataset, number)
    try:
        later = _rows(lake, now, dataset, number)
    except NotFoundError:
        return held
    return held.join(later, on=KEY, how="anti", maintain_order="left")


def _rows(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    scanned = lake.scan(ref, refs.partition(dataset, "samples", number))
    with schema.readable(f"the samples of round {number} of {dataset} at {ref}"):
        return scanned.select(KEY).sort("row").collect(engine="streaming")


def _count(lake: Lake, ref: str, dataset: str, number: int) -> int:
    scanned = lake.scan(ref, refs.partition(dataset, "samples", number))
    with schema.readable(f"the samples of round {number} of {dataset} at {ref}"):
        return int(scanned.select(pl.len()).collect().item())
