"""Whether a commit of main holds each published round as the merge that published it left it.

A commit that was made on main by hand can change the samples of a round, or add a round, without
touching the manifest by which the round counts as published. Such a commit is a finding of the
history; but what is fitted on main, and what is judged beside it, must not depend on when somebody
reads the history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from lake import refs
from lake.client import Lake
from pipelines.rounds import attestation, history, listing
from pipelines.rounds.attestation import SHORT

Restore: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Gives checksums of objects by path as they were before samples were taken down."""


def fault(
    lake: Lake, ref: str, dataset: str, restore: Restore, *, before: int | None = None
) -> str | None:
    """Find out why a ref holds other rounds of a data set than were published.

    Args:
        lake: the lake.
        ref: main, or a commit that descends from it.
        dataset: the data set.
        restore: undoes what signed take-downs changed, whose own proof is in the history.
        before: look at the rounds before this one alone; None: at all rounds.

    Returns:
        One sentence about the first round that is wrong; None if there is none.
    """
    published = history.published(lake, dataset, ref)
    held = {
        number
        for path in listing.checksums(lake, ref, dataset)
        if (number := refs.round_of(path)) is not None
    }
    restored = restore(listing.checksums(lake, ref, dataset))
    for number in sorted(held):
        if before is not None and number >= before:
            break
        if number not in published:
            return f"round {number} of {dataset} was published by no proved merge"
        merge = published[number].commit
        wanted = attestation.content(lake, merge, dataset, number)
        if attestation.content_of(restored, number) != wanted:
            return f"round {number} of {dataset} was changed after the merge {merge[:SHORT]}"
    return None
