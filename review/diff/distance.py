"""How far a side is from real data: shares, depths, founders, summed over its rounds.

The sums of a round follow from its lineage and decisions alone, so they are kept by the checksums
of these: a round that both sides hold, or that was summed before, is not opened again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lake import documents, files
from lake.client import Lake
from lineage import statistics
from lineage.accepted import accepted
from lineage.ancestry.founders import founders
from lineage.ancestry.source import Source
from lineage.errors import LineageError
from lineage.statistics import Tally
from pipelines.rounds import ancestry_index

KEPT: Final = Path(".stemma") / "tallies"
VERSION: Final = 1
"""Of what is kept; another one is summed again."""


@dataclass(frozen=True, slots=True)
class Distance:
    """The accepted rows of a data set at a commit."""

    whole: Tally
    founders: float | None
    """Founder equivalents; None where no walk ends at a real sample, or they cannot be found."""
    problem: str | None = None
    """Why founders could not be found."""


def distance(lake: Lake, commit: str, dataset: str) -> Distance:
    """Sum up the lineage of a data set at a commit."""
    every = ancestry_index.sources_at(lake, commit, unusable=lambda *_: None)
    whole = Tally()
    for source in every:
        if source.dataset == dataset:
            whole += _tally(source)
    if not whole.accepted:
        return Distance(whole, None)
    try:
        return Distance(whole, _founders(every, dataset))
    except LineageError as error:
        return Distance(whole, None, f"founders at {commit[:12]} are unknown: {error}")


def _founders(every: Sequence[Source], dataset: str) -> float | None:
    index = ancestry_index.opened(every)
    mine = [segment for segment in index.segments if segment.dataset == dataset]
    starts = [np.empty(0, np.int64), *(accepted(index, segment) for segment in mine)]
    return founders(index, np.concatenate(starts), top=1).equivalents


def _sound(kept: Tally) -> Tally:
    """A tally as it was kept.

    Raises:
        TypeError: it was damaged.
    """
    counts = [kept.candidates, kept.accepted, *kept.generations.values()]
    counts += [] if kept.deepest is None else [kept.deepest]
    sums = [getattr(kept, name) for name in statistics.SUMS]
    if not all(type(each) is int and each >= 0 for each in counts):
        raise TypeError("counts are whole numbers")
    if not all(type(each) in {int, float} for each in sums):
        raise TypeError("sums are numbers")
    return kept


def _tally(source: Source) -> Tally:
    place = KEPT / f"{source.digest}.json"
    try:
        held: dict[str, Any] = documents.read_json(place)
        if held.pop("version") == VERSION:
            counted = {int(name): rows for name, rows in held.pop("generations").items()}
            return _sound(Tally(**held, generations=counted))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not kept, damaged, or by another version of this program
    found = statistics.tally(source)
    files.write_json(place, {**asdict(found), "version": VERSION})
    return found
