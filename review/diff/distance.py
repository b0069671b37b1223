"""The distance of a side from real data: shares, depths and founders over its rounds.

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
from pipelines.common import digests
from pipelines.rounds import ancestry_index

KEPT: Final = Path(".stemma") / "tallies"
VERSION: Final = 1
"""Version of a cached tally; one of another version is computed again."""


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance from real data of the accepted rows of a data set at a commit."""

    whole: Tally
    founders: float | None
    """Founder equivalents; None where no walk ends at a real sample, or they are unknown."""
    problem: str | None = None
    """A sentence that says why founders are unknown."""


def distance(lake: Lake, commit: str, dataset: str) -> Distance:
    """Compute the distance of a data set at a commit."""
    all_sources = ancestry_index.sources_at(lake, commit, unusable=lambda *_: None)
    real_rounds = [(source.dataset, source.round) for source in all_sources if source.real]
    whole = Tally()
    for source in all_sources:
        if source.dataset == dataset:
            whole += _tally(source, real_rounds)
    if not whole.accepted:
        return Distance(whole, None)
    try:
        return Distance(whole, _founders(all_sources, dataset))
    except LineageError as error:
        return Distance(whole, None, f"founders at {commit[:12]} are unknown: {error}")


def _founders(every: Sequence[Source], dataset: str) -> float | None:
    index = ancestry_index.opened(every)
    own = [segment for segment in index.segments if segment.dataset == dataset]
    starts = [np.empty(0, np.int64), *(accepted(index, segment) for segment in own)]
    return founders(index, np.concatenate(starts), top=1).equivalents


def _sound(tally: Tally) -> Tally:
    """Check a tally that was read from the cache.

    Raises:
        TypeError: a field has the wrong type.
    """
    counts = [tally.candidates, tally.accepted, *tally.generations.values()]
    counts += [] if tally.deepest is None else [tally.deepest]
    sums = [getattr(tally, name) for name in statistics.SUMS]
    if not all(type(value) is int and value >= 0 for value in counts):
        raise TypeError("counts are whole numbers")
    if not all(type(value) in {int, float} for value in sums):
        raise TypeError("sums are numbers")
    return tally


def _tally(source: Source, real_rounds: Sequence[tuple[str, int]] = ()) -> Tally:
    named = digests.of_json([source.digest, sorted(real_rounds)]) if real_rounds else source.digest
    path = KEPT / f"{named}.json"
    try:
        stored: dict[str, Any] = documents.read_json(path)
        if stored.pop("version") == VERSION:
            counted = {int(name): rows for name, rows in stored.pop("generations").items()}
            return _sound(Tally(**stored, generations=counted))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # it is not cached, damaged, or of another version
    tally = statistics.tally(source, real_rounds)
    files.write_json(path, {**asdict(tally), "version": VERSION})
    return tally
