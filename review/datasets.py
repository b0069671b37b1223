"""Which data set a command is about."""

from __future__ import annotations

from collections.abc import Iterable

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
