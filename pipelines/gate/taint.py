"""Which rows of a commit are tainted: leaked from a hold-out, or descended from what leaked.

The leaks of a published round are stored, so only rounds whose leaks were looked for otherwise (a
smaller distance, another hold-out) are compared with the hold-out again. From there the family tree
leads on. So a round costs what is new in it and what is tainted, not what the lake is large.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lineage.contamination import CONTAMINATED, propagate
from pipelines import modalities
from pipelines.gate import contamination
from pipelines.params import Ingest
from pipelines.rounds import ancestry_index, manifest, tables
from pipelines.rounds.context import RoundContext, held_out

COLUMNS: Final = ("dataset", *contamination.STORED)
ROUNDING: Final = 1 + 1e-9
"""A distance at the limit may come out a little above it."""


def at(ctx: RoundContext, commit: str, *, fresh: pl.DataFrame | None = None) -> pl.DataFrame:
    """The tainted occurrences of all data sets at a commit: `lineage.contamination.CONTAMINATED`.

    Args:
        ctx: the round at ctx.
        commit: the commit.
        fresh: leaks of the round at ctx, if the commit does not hold them yet.
    """
    return spread(ctx.lake, commit, leaked(ctx, commit, fresh=fresh))


def spread(lake: Lake, commit: str, found: pl.DataFrame) -> pl.DataFrame:
    """Follow leaks through the family tree of a commit; without any, it is not opened."""
    if found.is_empty():
        return pl.DataFrame(schema=CONTAMINATED)
    return propagate(ancestry_index.open_at(lake, commit), found)


def leaked(ctx: RoundContext, commit: str, *, fresh: pl.DataFrame | None = None) -> pl.DataFrame:
    """The leaks of all rounds of all data sets at a commit: `COLUMNS`.

    Args:
        ctx: the round at ctx.
        commit: the commit.
        fresh: as in `at`.
    """
    ours = ctx.round.dataset, ctx.round.number
    parts = (
        []
        if fresh is None
        else [fresh.select(pl.lit(ours[0]).alias("dataset"), *contamination.STORED)]
    )
    for dataset, numbers in _rounds(ctx.lake, commit).items():
        wanted = [each for each in numbers if fresh is None or (dataset, each) != ours]
        parts += [
            part.select(pl.lit(dataset).alias("dataset"), *contamination.STORED)
            for part in _of(ctx, commit, dataset, wanted)
        ]
    kinds = {
        "dataset": pl.String,
        **{name: contamination.SCHEMA[name] for name in contamination.STORED},
    }
    return pl.concat([pl.DataFrame(schema=kinds), *parts])


def _rounds(lake: Lake, commit: str) -> dict[str, list[int]]:
    """The rounds with samples of each data set at a commit."""
    found: dict[str, set[int]] = defaultdict(set)
    for item in lake.objects(commit):
        dataset, _, rest = item.path.partition("/")
        number = refs.round_of(item.path)
        if number is not None and rest.startswith("samples/"):
            found[dataset].add(number)
    return {dataset: sorted(numbers) for dataset, numbers in sorted(found.items())}


def _of(ctx: RoundContext, commit: str, dataset: str, numbers: Iterable[int]) -> list[pl.DataFrame]:
    """The leaks of rounds of a data set, stored or looked for again."""
    about = {each: manifest.read(ctx.lake, commit, dataset, each) for each in {0, *numbers}}
    key, near = about[0]["holdout"]["input_key"], _near(ctx, dataset, about[0])
    modality = modalities.recorded(about[0])
    known = [each for each in numbers if _answers(about[each].get("leaks"), near, key)]
    parts = [_stored(ctx.lake, commit, dataset, known, near)] if known else []
    again = [each for each in numbers if each not in known]
    if again:
        held = held_out(ctx, commit, dataset).fingerprints()
        for each in again:
            samples = tables.read_round(ctx.lake, commit, dataset, "samples", each)
            parts.append(contamination.copies(samples, held, near, modality))
    return parts


def _stored(lake: Lake, commit: str, dataset: str, numbers: list[int], near: float) -> pl.DataFrame:
    """Stored leaks of rounds, but for those that were looked for farther away."""
    is_near = pl.col("equal") | (pl.col("distance") <= near * ROUNDING)
    found = tables.read(lake, commit, dataset, contamination.TABLE)
    near_ones = found.filter(pl.col("round").is_in(numbers) & is_near)
    return tables.collected(near_ones, f"the leaks of {dataset} at {commit}")


def _answers(said: Mapping[str, Any] | None, near: float, key: str) -> bool:
    """Tell whether what a manifest says of stored leaks covers a distance and a hold-out."""
    return said is not None and said["holdout"] == key and near <= said["near"]


def _near(ctx: RoundContext, dataset: str, real: Mapping[str, Any]) -> float:
    """The distance of near-duplicates; what round 0 says, of a data set without settings."""
    if dataset in ctx.params.datasets:
        return ctx.params.datasets[dataset].ingest.near
    found: float = real.get("leaks", {"near": Ingest.model_fields["near"].default})["near"]
    return found
