"""Keeps `rounds/takedowns.json` as the records on main say, for keys and receipts.

The lake is asked again only where its refs have changed since it last was.
"""

from __future__ import annotations

from typing import Final

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import denied_inputs, noted_files
from pipelines.rounds.changed_refs import Answer
from pipelines.rounds.denied_inputs import Noted, NotedTakedowns
from pipelines.takedown import record
from pipelines.takedown.record import TakedownRecord


def write(lake: Lake) -> None:
    """Write what the records on main say; without any, there is no file."""
    try:
        noted = {each.name: of_record(each) for each in record.all_of(lake)}
    except NotFoundError:
        noted = {}
    noted_files.write(denied_inputs.FILE, NotedTakedowns(takedowns=noted))


ANSWER: Final = Answer("takedowns-asked.json", write)


def of_record(found: TakedownRecord) -> Noted:
    """What a record says of the keys of rounds."""
    touched: dict[str, list[int]] = {}
    for each in found.rounds:
        if each.named + each.direct:
            touched.setdefault(each.dataset, []).append(each.round)
    return Noted(
        entries=found.entries_digest,
        touched={name: tuple(sorted(numbers)) for name, numbers in touched.items()},
        kept=found.kept,
        remade=found.remade,
    )
