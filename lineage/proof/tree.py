"""Checks of the family tree as a whole, and of all that is derived from it.

Nothing can be derived from what is not sound: a row with an absent parent, an unknown mix or an
invalid weight; a mix whose members are not those that it had; a round that descends from itself.
These are findings. All their descendants, by explicit edges or through a mix, count as not provable
until the faults are corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry import derive, walks
from lineage.ancestry.derive import Derived
from lineage.ancestry.index import Ancestry
from lineage.ancestry.references import RoundId
from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Source
from lineage.proof import derived, graph, mixes, rows
from lineage.proof.findings import Batch

Open: TypeAlias = Callable[[Sequence[Source]], Ancestry]
Wrong: TypeAlias = Mapping[RoundId, Mapping[str, list[str]]]
"""Problems with the rows of the mixes of each round, by digest; empty for sound mixes."""


def prove(
    sources: Mapping[RoundId, Source], open_index: Open, unsound: Mapping[RoundId, pl.Series]
) -> Iterator[list[Batch]]:
    """Check the family tree, then each round against it.

    Args:
        sources: every round whose lineage the commit holds.
        open_index: opens the family tree of the sources that it is given.
        unsound: rows that nothing can be derived from, for what their own lineage says.

    Yields:
        What was found, in a list for the tree as a whole and one for each round.
    """
    whole = open_index(list(sources.values()))
    circular = [(segment.dataset, segment.round) for segment in whole.cyclic]
    yield [
        *graph.orphans(whole),
        *graph.circles(circular, lambda round_id: rows.read(sources[round_id])),
    ]
    index = whole
    if circular:  # what is not on a circle, nor comes from one
        index = open_index(
            [source for round_id, source in sources.items() if round_id not in circular]
        )
    wrong = {
        (segment.dataset, segment.round): _drawn(index, segment, sources)
        for segment in index.segments
    }
    doubtful = _doubtful(index, unsound, wrong)
    for derived_round in derive.rounds(index):
        round_id = derived_round.segment.dataset, derived_round.segment.round
        yield [
            *_derived(derived_round, sources[round_id], doubtful),
            _mixes(index, derived_round, wrong[round_id], doubtful),
        ]
    for round_id in circular:
        nothing = derived.NOTHING.to_frame()
        yield list(derived.prove(sources[round_id].lineage(), nothing, *round_id))


def _drawn(
    index: Ancestry, segment: Segment, sources: Mapping[RoundId, Source]
) -> dict[str, list[str]]:
    """Find what is wrong with the rows of each mix that a round was trained on."""
    left_out = sources[segment.dataset, segment.round].left_out
    return {
        mix.digest: mixes.rounds(index, segment, mix, left_out.get(mix.digest))
        for mix in segment.mixes
    }


def _doubtful(
    index: Ancestry, unsound: Mapping[RoundId, pl.Series], wrong: Wrong
) -> NDArray[np.bool_]:
    """Mark the rows that cannot be derived, [rows of the index]."""
    places = [
        pl.select(
            pl.lit(dataset).alias("dataset"),
            pl.lit(number, pl.Int32).alias("round"),
            pl.lit(unsound_rows).cast(pl.Int64).alias("row"),
        )
        for (dataset, number), unsound_rows in unsound.items()
        if len(unsound_rows)
    ]
    starts = [index.numbers(occurrences) for occurrences in places]
    starts.append(index.orphans()["child"].to_numpy())
    starts += [
        _trained_on(index, segment, digest)
        for segment in index.segments
        for digest, problems in wrong[segment.dataset, segment.round].items()
        if problems
    ]
    together = np.unique(np.concatenate(starts))
    first = together[together >= 0]
    doubtful = np.zeros(index.rows, dtype=np.bool_)
    if len(first):
        after = walks.descendants(index, first)
        for some in (first, after.direct, after.indirect):
            doubtful[some] = True
    return doubtful


def _trained_on(index: Ancestry, segment: Segment, mix: str) -> NDArray[np.int64]:
    """Find the rows of a round that leave weight to a generator fitted on this mix."""
    numbers = np.arange(segment.base, segment.base + segment.rows, dtype=np.int64)
    nodes = index.nodes(numbers)
    taken = (pl.col("trained_on") == mix) & (pl.col("rest") > 0)
    return nodes.filter(taken)["number"].to_numpy()


def _derived(
    derived_round: Derived, source: Source, doubtful: NDArray[np.bool_]
) -> Iterator[Batch]:
    segment = derived_round.segment
    sound = ~doubtful[segment.base : segment.base + segment.rows]
    fit = derived_round.rows.filter(pl.Series(sound))
    return derived.prove(source.lineage(), fit, segment.dataset, segment.round)


def _mixes(
    index: Ancestry,
    derived_round: Derived,
    wrong: Mapping[str, list[str]],
    doubtful: NDArray[np.bool_],
) -> Batch:
    """Find what the manifests of a round's mixes state wrongly."""
    fit = [
        mix
        for mix in derived_round.segment.mixes
        if not wrong[mix.digest]
        and not doubtful[index.members(derived_round.segment, mix.digest)].any()
    ]
    problems = [
        *(problem for told in wrong.values() for problem in told),
        *mixes.figures(fit, derived_round.mixes),
    ]
    return mixes.as_batch(problems, derived_round.segment)
