"""The rows that a model made, as the rounds of a ref record it: of texts or of images.

A round's manifest names the models that were asked, the names under which they answered, and the
weights of a local one or of a pipeline. Where a round asked several, its table of requests says
which made which row (`pipelines/generators/exchanges.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.client import Lake
from lake.errors import NotFoundError
from lineage.ancestry.index import Ancestry
from lineage.ancestry.segments import Segment
from pipelines.generators import exchanges
from pipelines.rounds import manifest, tables

NAMES: Final = ("model", "weights")
"""Entries of an environment, or of a service in it, that name a model."""
OF_A_REQUEST: Final = ("model", "served", "weights")


def rows(lake: Lake, commit: str, index: Ancestry, model: str) -> NDArray[np.int64]:
    """Return the index numbers of all rows that a model made, accepted or not.

    Raises:
        NotFoundError: no round of the commit names it, and the message lists those that are named;
            or no request to it gave a row.
    """
    known: set[str] = set()
    found = [np.empty(0, dtype=np.int64)]
    for segment in index.segments:
        content = manifest.read_if_there(lake, commit, segment.dataset, segment.round)
        named = models(content.get("environment"))
        known |= named
        if model in named:
            found.append(_of_segment(lake, commit, index, segment, model))
    numbers = np.concatenate(found)
    if not numbers.size and model in known:
        raise NotFoundError(f"rounds name the model {model!r}, and no row was made by it")
    if not numbers.size:
        listed = ", ".join(sorted(known)) or "none"
        raise NotFoundError(f"no round names the model {model!r}; named are: {listed}")
    return numbers


def models(environment: object) -> set[str]:
    """The names of models in the environment of a round's manifest."""
    if not isinstance(environment, Mapping):
        return set()
    services = _mappings(environment.get("services"))
    own = list(services) or [environment]  # which names all of them as one
    parts: list[Mapping[str, Any]] = [*own, *_mappings(environment.get("steps"))]
    named = [part.get(name) for part in parts for name in NAMES]
    served = environment.get("served")
    named += served if isinstance(served, list) else []
    return {name for name in named if isinstance(name, str) and name}


def _of_segment(
    lake: Lake, commit: str, index: Ancestry, segment: Segment, model: str
) -> NDArray[np.int64]:
    numbers = np.arange(segment.base, segment.base + segment.rows, dtype=np.int64)
    own = _asked(lake, commit, segment, model)
    if own is None:
        return numbers
    made: NDArray[np.bool_] = index.nodes(numbers)["row"].is_in(own.implode()).to_numpy()
    selected: NDArray[np.int64] = numbers[made]
    return selected


def _asked(lake: Lake, commit: str, segment: Segment, model: str) -> pl.Series | None:
    """The rows of a round for which a model was asked; None: the round does not say."""
    try:
        frame = tables.read_round(lake, commit, segment.dataset, exchanges.TABLE, segment.round)
    except NotFoundError:
        return None
    if not {"row", *OF_A_REQUEST} <= set(frame.columns):
        return None
    matches = pl.any_horizontal(
        (pl.col(name).cast(pl.String) == model).fill_null(value=False) for name in OF_A_REQUEST
    )
    return frame.filter(matches)["row"].cast(pl.Int64).drop_nulls().unique()


def _mappings(value: object) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
