"""Which data set a command is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lake.errors import NotFoundError
from pipelines.params import Params
from review.errors import UsageError


def wanted_dataset(params: Params, dataset: str, *, also: Iterable[str] = ()) -> str:
    """Check the name of a data set.

    Raises:
        UsageError: neither params.yaml nor `also` knows it.
    """
    known = sorted({*params.datasets, *also})
    if dataset not in known:
        raise UsageError(f"there is no data set {dataset!r}; known: {', '.join(known)}")
    return dataset


def wanted_datasets(params: Params, dataset: str | None) -> list[str]:
    """All data sets of params.yaml, or the one that is asked for."""
    return list(params.datasets) if dataset is None else [wanted_dataset(params, dataset)]


def held_datasets(ref: str, held: Collection[str], dataset: str | None) -> list[str]:
    """All data sets that a ref holds, or the one that is asked for.

    Raises:
        NotFoundError: it holds none.
        UsageError: it does not hold the one that is asked for.
    """
    known = sorted(held)
    if not known:
        raise NotFoundError(f"{ref} holds no data set")
    if dataset is not None and dataset not in known:
        raise UsageError(f"{ref} holds no data set {dataset!r}; it holds {', '.join(known)}")
    return known if dataset is None else [dataset]
