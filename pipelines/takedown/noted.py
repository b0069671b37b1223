"""Keeps `rounds/takedowns.json` as the records on main say, for keys and receipts.

The lake is asked again only where its refs have changed since it last was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.params import Params
from pipelines.rounds import changed_refs, denied_inputs, noted_files
from pipelines.rounds.denied_inputs import Noted, NotedTakedowns
from pipelines.takedown import record
from pipelines.takedown.record import TakedownRecord

ASKED: Final = "takedowns-asked.json"
"""File that keeps what the refs of the embedded lake were when it was last asked."""


def refresh(params: Params, open_lake: Callable[[], Lake]) -> None:
    """Write the file anew, unless no ref has changed since it last was.

    Args:
        params: settings of the project.
        open_lake: connects to the lake, which is not done if nothing changed.
    """
    changed_refs.refresh(params, ASKED, open_lake, write)


def write(lake: Lake) -> None:
    """Write what the records on main say; without any, there is no file."""
    try:
        noted = {each.name: of_record(each) for each in record.all_of(lake)}
    except NotFoundError:
        noted = {}
    noted_files.write(denied_inputs.FILE, NotedTakedowns(takedowns=noted))


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
