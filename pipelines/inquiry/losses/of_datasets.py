"""Account for every round of a data set: those of main, those it held once, those on branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.inquiry.losses import of_rounds
from pipelines.inquiry.losses.endings import RoundLosses
from pipelines.rounds import history, superseded
from pipelines.rounds.metadata import StageMetadata

WITHOUT_ROWS: Final = ("publish", "supersede", "fit")
"""Stages after which a branch holds no candidates of its round."""


def of_dataset(lake: Lake, dataset: str) -> list[RoundLosses]:
    """Account for all rounds of a data set, in order of their numbers; what was superseded first.

    Raises:
        DataError: a manifest was not written by a stage.
        SchemaError: decisions cannot be read.
    """
    held = [*_superseded(lake, dataset), *_published(lake, dataset), *_open(lake, dataset)]
    found = [of_rounds.of_round(lake, dataset, number, commit) for number, commit in held]
    return sorted(found, key=lambda each: each.round)  # which keeps this order within a round


def _published(lake: Lake, dataset: str) -> Iterator[tuple[int, str]]:
    try:
        held = history.published(lake, dataset)
    except NotFoundError:
        return
    for number, round_ in held.items():
        yield number, round_.commit


def _superseded(lake: Lake, dataset: str) -> Iterator[tuple[int, str]]:
    """Rounds that main held once, at the commits that published them, the oldest first."""
    past = [each for each in superseded.rounds(lake) if each.dataset == dataset]
    for each in past[::-1]:
        held = history.published(lake, dataset, each.last).get(each.round)
        if held is not None:
            yield each.round, held.commit


def _open(lake: Lake, dataset: str) -> Iterator[tuple[int, str]]:
    """Rounds on branches that were never merged."""
    merged = {
        commit.parents[-1]
        for commit in lake.log(refs.MAIN, first_parent=True)
        if (metadata := StageMetadata.from_commit(commit)) and metadata.dataset == dataset
    }
    for branch, head in sorted(lake.branches(f"{dataset}-r").items()):
        match = refs.BRANCH.match(branch)
        if match is None or match["dataset"] != dataset or head in merged:
            continue
        metadata = StageMetadata.from_commit(lake.resolve(head))
        if metadata is None or metadata.stage in WITHOUT_ROWS:
            continue
        yield int(match["round"]), head
