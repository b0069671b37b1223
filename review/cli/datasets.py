"""Checks the data set that a command names, or finds those it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.params import Params
from review.errors import UsageError


def wanted_dataset(params: Params, dataset: str, *, also: Iterable[str] = ()) -> str:
    """Check the name of a data set.

    Args:
        params: settings of the project.
        dataset: the name.
        also: names of data sets that are valid although params.yaml has no settings for them.

    Raises:
        UsageError: there is no data set of this name.
    """
    names = sorted({*params.datasets, *also})
    if dataset not in names:
        raise UsageError(f"there is no data set {dataset!r}; known: {', '.join(names)}")
    return dataset


def wanted_datasets(params: Params, dataset: str | None) -> list[str]:
    """All data sets of params.yaml, or the one that is named."""
    return list(params.datasets) if dataset is None else [wanted_dataset(params, dataset)]


def held_datasets(ref: str, held: Collection[str], dataset: str | None) -> list[str]:
    """All data sets that a ref holds, or the one that is named.

    Raises:
        NotFoundError: the ref holds no data set.
        UsageError: the ref does not hold the one that is named.
    """
    names = sorted(held)
    if not names:
        raise NotFoundError(f"{ref} holds no data set")
    if dataset is not None and dataset not in names:
        raise UsageError(f"{ref} holds no data set {dataset!r}; it holds {', '.join(names)}")
    return names if dataset is None else [dataset]


def dataset_at(lake: Lake, ref: str, commit: str, dataset: str | None) -> str:
    """The data set that is named, or that a ref is about.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        commit: of the ref.
        dataset: its name; None: that of a tag or branch of a round, or the only one that is held.

    Raises:
        NotFoundError: the commit does not hold it.
        UsageError: the commit holds several, and none is named.
    """
    match = refs.TAG.match(ref) or refs.BRANCH.match(ref)
    name = dataset or (match["dataset"] if match else None)
    held = refs.datasets(item.path for item in lake.objects(commit))
    if name is None and len(held) == 1:
        name = held[0]
    if name is None:
        raise UsageError(f"{ref} holds {', '.join(held) or 'no data set'}; name one of them")
    if name not in held:
        raise NotFoundError(f"{ref} holds no {name}; it holds {', '.join(held) or 'nothing'}")
    return name
