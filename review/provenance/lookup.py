"""Finds a sample: at a ref, in a round that was superseded, or on another branch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import audit
from lineage.ancestry.index import Ancestry
from pipelines.params import Params
from pipelines.rounds import ancestry_index, superseded
from pipelines.rounds.superseded import Superseded
from review.cli.datasets import wanted_dataset


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Occurrences of a sample, and the ancestry index that they are in."""

    index: Ancestry
    commit: str
    """The commit that is indexed: the ref's, or the last of main that held a superseded round."""
    numbers: NDArray[np.int64]
    """Index numbers of the occurrences, at least one."""
    lost: Superseded | None
    """How main lost their round; None where the ref holds it."""


def locate(lake: Lake, params: Params, ref: str, dataset: str | None, prefix: str) -> Located:
    """Find the occurrences of the samples whose id begins with a prefix.

    Args:
        lake: the lake.
        params: settings of the project.
        ref: branch, tag or commit to look at first.
        dataset: only occurrences in this data set; None: in any.
        prefix: 8 to 64 hex digits of a sample id.

    Raises:
        QueryError: the prefix cannot be one.
        UsageError: there is no such data set.
        NotFoundError: neither the ref holds it nor did main ever; the message says where it is.
    """
    audit.parse(prefix)
    commit = lake.resolve(ref).id
    located = _at(lake, commit, dataset, prefix)
    if dataset is not None:
        wanted_dataset(params, dataset, also=ancestry_index.datasets(located.index))
    if not len(located.numbers):
        _refuse_main(lake, ref, commit, dataset, prefix)
        return _lost(lake, dataset, prefix) or _refuse(lake, ref, dataset, prefix)
    return located


def _at(
    lake: Lake, commit: str, dataset: str | None, prefix: str, lost: Superseded | None = None
) -> Located:
    index = ancestry_index.open_at(lake, commit)
    numbers = index.find(prefix)
    if dataset is not None:
        numbers = numbers[(index.nodes(numbers)["dataset"] == dataset).to_numpy()]
    return Located(index, commit, numbers, lost)


def _refuse_main(lake: Lake, ref: str, commit: str, dataset: str | None, prefix: str) -> None:
    """Raise an error that points to main, where main holds the sample and the ref does not."""
    head = lake.head(refs.MAIN)
    if head not in (None, commit) and len(_at(lake, str(head), dataset, prefix).numbers):
        raise NotFoundError(f"no sample {prefix} at {ref}; it is on main: add --ref main")


def _lost(lake: Lake, dataset: str | None, prefix: str) -> Located | None:
    """Find the sample in the superseded round that main held most recently; None: in none."""
    condition = audit.matching(prefix)
    for lost in superseded.rounds(lake):
        if dataset in (None, lost.dataset) and superseded.holds(
            lake, lost.last, lost.dataset, lost.round, condition
        ):
            return _at(lake, lost.last, dataset, prefix, lost)
    return None


def _refuse(lake: Lake, ref: str, dataset: str | None, prefix: str) -> Located:
    """Raise an error that names the branch of a round that holds the sample, if there is one."""
    condition = audit.matching(prefix)
    merged = {
        commit.parents[-1] for commit in lake.log(refs.MAIN, first_parent=True) if commit.parents
    }
    for branch, head in sorted(lake.branches().items()):
        match = refs.BRANCH.match(branch)
        if (
            match
            and head not in merged
            and dataset in (None, match["dataset"])
            and superseded.holds(lake, head, match["dataset"], int(match["round"]), condition)
        ):
            raise NotFoundError(
                f"no sample {prefix} at {ref}; it is on {branch}: add --ref {branch}"
            )
    raise NotFoundError(
        f"no sample {prefix} at {ref}, in any round that main held once, or on any round's branch"
    )
