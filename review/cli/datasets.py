"""Checks the data set that a command names, or finds those it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

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
