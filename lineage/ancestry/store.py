"""Loads the segments of a commit from the cache, or builds them.

A segment's digest is chained: it covers the round's own tables and the digests of the segments that
it references. So a segment is shared by all commits with the same history, a new round costs time
in proportion to its own size, and what follows a changed round is built again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lineage import digests
from lineage.ancestry import files, order, references, row_index, segments
from lineage.ancestry.adjacency import none_of
from lineage.ancestry.files import Stored
from lineage.ancestry.references import References, RoundId
from lineage.ancestry.row_index import RowIndex
from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Progress, Source
from lineage.ancestry.views import Slot, View, runs
from lineage.errors import CacheError, SchemaError


def load(
    directory: Path, sources: Sequence[Source], progress: Progress | None, *, full: bool
) -> tuple[list[View], int]:
    """Load or build the segments of a commit.

    Args:
        directory: the cache.
        sources: the rounds of the commit, in any order.
        progress: told after each segment.
        full: verify all of every file.

    Returns:
        The segments in topological order, and how many of the last cannot be put in order.

    Raises:
        SchemaError: a round comes twice, or its tables are not what they should be.
        CacheError: the directory cannot be written.
    """
    held = _by_name(sources)
    by_round = {name: references.find(source, directory) for name, source in held.items()}
    links = {name: _links(source, by_round[name]) for name, source in held.items()}
    ordered, cyclic = order.topological(links)
    digests = _digests(held, links, ordered, cyclic)
    ready: dict[RoundId, Stored] = {}

    def lookup(name: RoundId) -> RowIndex | None:
        if name in ready:
            return _row_index(ready[name])
        return row_index.read(held[name]) if name in held else None  # of a later round, in a cycle

    for done, name in enumerate([*ordered, *cyclic], start=1):
        stored = files.read(directory, digests[name], full=full)
        if stored is None:
            built = segments.build(held[name], by_round[name], lookup)
            files.write(directory, digests[name], *built)
            stored = files.read(directory, digests[name], full=False)
        if stored is None:
            raise CacheError(
                f"{directory / digests[name]} is not what was just written there; check the disk, "
                "or keep the index in another directory"
            )
        ready[name] = stored
        if progress:
            progress(done, len(held))
    return _views(ready, held), len(cyclic)


def _by_name(sources: Sequence[Source]) -> dict[RoundId, Source]:
    held: dict[RoundId, Source] = {}
    for source in sources:
        name = source.dataset, source.round
        if name in held:
            raise SchemaError(f"round {source.round} of {source.dataset} comes twice; give it once")
        held[name] = source
    return held


def _links(source: Source, round_references: References) -> set[RoundId]:
    """List the rounds that a round references as parents and through mixes.

    A round whose rows have lower rows of it as parents comes before no other round by that.
    """
    mixes = [source.mixes[digest] for digest in round_references.mixes if digest in source.mixes]
    parts = {(mix.dataset, part.round) for mix in mixes for part in mix.rounds}
    parents = set(round_references.parents)
    if not round_references.unordered:
        parents -= {(source.dataset, source.round)}
    return parents | parts


def _digests(
    held: Mapping[RoundId, Source],
    links: Mapping[RoundId, set[RoundId]],
    ordered: Sequence[RoundId],
    cyclic: Sequence[RoundId],
) -> dict[RoundId, str]:
    """Compute the chained digest of each segment; a cycle is chained to the rounds' own keys."""
    by_round = {name: references.key(held[name]) for name in cyclic}
    own = dict(by_round)
    for name in (*ordered, *cyclic):
        chain = [
            [*earlier, own.get(earlier) or by_round.get(earlier)] for earlier in sorted(links[name])
        ]
        by_round[name] = digests.of_json([references.key(held[name]), chain])
    return by_round


def _views(ready: Mapping[RoundId, Stored], held: Mapping[RoundId, Source]) -> list[View]:
    counts = [stored.header["rows"] for stored in ready.values()]
    bases = np.cumsum([0, *counts])
    positions = {name: position for position, name in enumerate(ready)}
    return [_view(stored, held[name], positions, bases) for name, stored in ready.items()]


def _view(
    stored: Stored, source: Source, positions: Mapping[RoundId, int], bases: np.ndarray
) -> View:
    header = stored.header
    slots: list[Slot] = []
    for dataset, number, rows in header["parents"]:
        before = slots[-1].before + slots[-1].rows if slots else 0
        slots.append(Slot(dataset, number, positions.get((dataset, number)), before, rows))
    manifests = tuple(source.mixes.get(digest) for digest in header["mixes"])
    segment = Segment(
        dataset=source.dataset,
        round=source.round,
        base=int(bases[positions[source.dataset, source.round]]),
        rows=header["rows"],
        edges=header["edges"],
        mixes=tuple(mix for mix in manifests if mix),
        digest=header["digest"],
    )
    bounds, shifts = runs(slots, bases, none_of(stored.arrays["parent"]))
    return View(
        segment=segment,
        arrays=stored.arrays,
        row_index=_row_index(stored),
        slots=tuple(slots),
        mixes=tuple(header["mixes"]),
        manifests=manifests,
        bounds=bounds,
        shifts=shifts,
    )


def _row_index(stored: Stored) -> RowIndex:
    return RowIndex(stored.header["rows"], stored.arrays.get("row"))
