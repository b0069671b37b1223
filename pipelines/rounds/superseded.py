"""Superseded rounds: rounds that main held before a merge or a revert removed or replaced them.

History is not rewritten, so every published round can still be read at the commit that published
it. The log of main shows which commits removed a round: the metadata of a merge that publishes an
earlier or the same round again tells it; any other commit is compared with its predecessor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.rounds import tables
from pipelines.rounds.metadata import StageMetadata


@dataclass(frozen=True, slots=True)
class Superseded:
    """A round that main held and that was removed or replaced."""

    dataset: str
    round: int
    last: str
    """The last commit of main that held it."""
    by: str
    """The commit after it, which removed or replaced the round."""


def rounds(lake: Lake) -> Iterator[Superseded]:
    """Every round that main held and that was removed or replaced, the latest removal first."""
    log = list(lake.log(refs.MAIN, first_parent=True))
    for commit, before in _losing(log):
        merge = _publishes(commit)
        dataset = merge.dataset if merge else None
        prefix = refs.table(dataset, "lineage") if dataset else ""
        lost = {
            (change.path.partition("/")[0], number)
            for change in lake.diff(before.id, commit.id, prefix=prefix, three_dot=False)
            if change.kind in ("removed", "changed")
            and "/lineage/" in change.path
            and (number := refs.round_of(change.path)) is not None
        }
        for name, number in sorted(lost):
            yield Superseded(name, number, before.id, commit.id)


def holds(lake: Lake, ref: str, dataset: str, number: int, predicate: pl.Expr) -> bool:
    """Tell whether the lineage of a round at a ref has a row that matches an expression."""
    try:
        lineage = lake.scan(ref, refs.partition(dataset, "lineage", number))
    except NotFoundError:
        return False
    matching = lineage.filter(predicate).select("row").head(1)
    return not tables.collected(matching, f"the lineage of round {number} of {dataset}").is_empty()


def _losing(log: Sequence[Commit]) -> list[tuple[Commit, Commit]]:
    """Commits that may have removed a round, newest first, each with its predecessor."""
    highest: dict[str, int] = {}
    losing = []
    for before, commit in pairwise([None, *reversed(log)]):
        may_lose = True
        merge = _publishes(commit) if commit else None
        if merge:
            may_lose = merge.round <= highest.get(merge.dataset, -1)
            highest[merge.dataset] = max(merge.round, highest.get(merge.dataset, -1))
        if before and commit and may_lose:
            losing.append((commit, before))
    return losing[::-1]


def _publishes(commit: Commit) -> StageMetadata | None:
    """The metadata of a commit if it is the merge of a round; None otherwise."""
    metadata = StageMetadata.from_commit(commit)
    return metadata if metadata and metadata.stage == "publish" else None
