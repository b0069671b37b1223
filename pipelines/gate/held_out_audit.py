"""Holds the hold-out against the take-downs of main: what it lacks, and what it still has.

The two repositories cannot change in one step, and whoever may write to one could take rows from it
alone. So rows that the hold-out lacks by a take-down must be named by one on main, or by a purge;
and rows that a take-down on main names must have gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.gate.tags import TagFinding
from pipelines.rounds import held_out_removals, purges
from pipelines.takedown import record, selection
from pipelines.takedown.record import TakedownRecord

SHORT: Final = 12
"""Hex digits of an id in a sentence; `stemma takedown` takes as many."""


def findings(lake: Lake, held_out: Lake) -> Iterator[TagFinding]:
    """What contradicts the take-downs of main in the hold-out.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.

    Raises:
        DataError: a record on main cannot be read.
    """
    made = record.all_of(lake)
    try:
        head = held_out.resolve(refs.MAIN).id
    except NotFoundError:
        return
    yield from _lacking(held_out, head, made)
    if made:
        yield from _left(lake, held_out, head, made)


def _lacking(held_out: Lake, head: str, made: list[TakedownRecord]) -> Iterator[TagFinding]:
    """Rows that it lacks, and that nobody asked for."""
    named = {one for each in made for one in each.ids}
    named |= {one for each in purges.of_lake(held_out).records for one in each.ids}
    for each in held_out_removals.records(held_out, head):
        strange = {row.sample_id for part in each.objects for row in part.rows} - named
        if strange:
            first = min(strange)[:SHORT]
            yield TagFinding(
                "held-out rows are gone",
                "",
                0,
                each.takedown,
                head,
                f"the hold-out lacks {len(strange):,} rows by {each.takedown}, of which {first} is "
                "one, and no take-down on main names them; find out who signed that, and restore "
                "them from a backup",
            )


def _left(
    lake: Lake, held_out: Lake, head: str, made: list[TakedownRecord]
) -> Iterator[TagFinding]:
    """Rows that a take-down names and that are still held out."""
    names = sorted(refs.datasets(item.path for item in lake.objects(refs.MAIN)))
    first = selection.held_out_ids(selection.hold_outs(lake, held_out, refs.MAIN, names))
    later = selection.reserved_ids(selection.reserved_rows(lake, held_out, refs.MAIN, names))
    held = pl.concat([first, later])
    for dataset, rows in held.group_by("dataset", maintain_order=True):
        ids = {key.hex() for key in rows["sample_id"]}
        for each in made:
            left = ids & set(each.ids)
            if left:
                yield TagFinding(
                    "held-out rows are left",
                    str(dataset[0]),
                    0,
                    each.name,
                    head,
                    f"{dataset[0]} still holds out {len(left):,} of the rows that the take-down "
                    f"{each.name} names; run `stemma takedown` with their ids again, such as "
                    f"{min(left)[:SHORT]}",
                )
