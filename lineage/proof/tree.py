"""The family tree as a whole, and what follows from it.

What is not sound cannot be derived from: a row with an absent parent, an unknown mix or a weight
that is none, a mix whose rows are not those that it had, a round that descends from itself. These
are findings; all that descends from them, by explicit edges or through a mix, is counted as not
provable until they are corrected.
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
from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Source
from lineage.proof import derived, graph, mixes, rows
from lineage.proof.findings import Batch
from lineage.proof.graph import Place

Open: TypeAlias = Callable[[Sequence[Source]], Ancestry]
Wrong: TypeAlias = Mapping[Place, Mapping[str, list[str]]]
"""What is wrong with the rows of the mixes of each round, by digest; nothing for sound ones."""


def prove(
    sources: Mapping[Place, Source], open_index: Open, unsound: Mapping[Place, pl.Series]
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
    circular = [(each.dataset, each.round) for each in whole.cyclic]
    yield [*graph.orphans(whole), *graph.circles(circular, lambda at: rows.read(sources[at]))]
    index = whole
    if circular:  # what is not on a circle, nor comes from one
        index = open_index([each for at, each in sources.items() if at not in circular])
    wrong = {(each.dataset, each.round): _drawn(index, each, sources) for each in index.segments}
    doubtful = _doubtful(index, unsound, wrong)
    for each in derive.rounds(index):
        at = each.segment.dataset, each.segment.round
        yield [*_derived(each, sources[at], doubtful), _mixes(index, each, wrong[at], doubtful)]
    for at in circular:
        nothing = derived.NOTHING.to_frame()
        yield list(derived.prove(sources[at].lineage(), nothing, *at))


def _drawn(
    index: Ancestry, segment: Segment, sources: Mapping[Place, Source]
) -> dict[str, list[str]]:
    """What is wrong with the rows of each mix that a round was trained on."""
    left_out = sources[segment.dataset, segment.round].left_out
    return {
        mix.digest: mixes.rounds(index, segment, mix, left_out.get(mix.digest))
        for mix in segment.mixes
    }


def _doubtful(
    index: Ancestry, unsound: Mapping[Place, pl.Series], wrong: Wrong
) -> NDArray[np.bool_]:
    """Which rows cannot be derived: [rows of the index]."""
    places = [
        pl.select(
            pl.lit(dataset).alias("dataset"),
            pl.lit(number, pl.Int32).alias("round"),
            pl.lit(found).cast(pl.Int64).alias("row"),
        )
        for (dataset, number), found in unsound.items()
        if len(found)
    ]
    starts = [index.numbers(each) for each in places]
    starts.append(index.orphans()["child"].to_numpy())
    starts += [
        _trained_on(index, each, digest)
        for each in index.segments
        for digest, said in wrong[each.dataset, each.round].items()
        if said
    ]
    together = np.unique(np.concatenate(starts))
    first = together[together >= 0]
    found = np.zeros(index.rows, dtype=np.bool_)
    if len(first):
        after = walks.descendants(index, first)
        for some in (first, after.direct, after.indirect):
            found[some] = True
    return found


def _trained_on(index: Ancestry, segment: Segment, mix: str) -> NDArray[np.int64]:
    """Rows of a round whose generator was fitted on a mix and weighs something."""
    numbers = np.arange(segment.base, segment.base + segment.rows, dtype=np.int64)
    known = index.nodes(numbers)
    taken = (pl.col("trained_on") == mix) & (pl.col("rest") > 0)
    return known.filter(taken)["number"].to_numpy()


def _derived(each: Derived, source: Source, doubtful: NDArray[np.bool_]) -> Iterator[Batch]:
    segment = each.segment
    sound = ~doubtful[segment.base : segment.base + segment.rows]
    fit = each.rows.filter(pl.Series(sound))
    return derived.prove(source.lineage(), fit, segment.dataset, segment.round)


def _mixes(
    index: Ancestry, each: Derived, wrong: Mapping[str, list[str]], doubtful: NDArray[np.bool_]
) -> Batch:
    """What the manifests of a round's mixes say that is not so."""
    fit = [
        mix
        for mix in each.segment.mixes
        if not wrong[mix.digest] and not doubtful[index.members(each.segment, mix.digest)].any()
    ]
    said = [*(said for told in wrong.values() for said in told), *mixes.figures(fit, each.mixes)]
    return mixes.found(said, each.segment)
