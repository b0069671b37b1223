"""Contamination: samples that leaked from the hold-out, and the descendants of such samples.

A leak is a sample that is equal to a held-out row or a near-duplicate of one. Leaks are searched
once a round among all its candidates (refused ones too, because they may be parents of later
samples), and contamination is propagated from them through the lineage graph. Both lists are stored
beside the round; the next fit, the guard and the cost estimate read them. A round whose leaks were
searched with other parameters (a smaller distance, another hold-out) is searched again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl

import lineage.contamination
from lake import refs
from lake.client import Lake
from pipelines import modalities
from pipelines.modalities import Modality
from pipelines.params import Ingest
from pipelines.rounds import ancestry_index, manifest, tables
from pipelines.rounds.context import RoundContext, held_out

LEAKS: Final = "leaks"
"""Name of the table with a round's leaks."""
CONTAMINATED: Final = "contaminated"
"""Name of the table with all contaminated occurrences at the round's evaluate commit."""
STORED: Final = ("round", "row", "sample_id", "equal", "distance")
"""Columns of the table of leaks."""
COLUMNS: Final = ("dataset", *STORED)
ROUNDING: Final = 1 + 1e-9
"""Relative tolerance: rounding may put a distance at the limit slightly above it."""
SCHEMA = {
    "round": pl.Int32,
    "row": pl.Int64,
    "sample_id": pl.Binary,
    "equal": pl.Boolean,
    "distance": pl.Float64,
    "real_row": pl.Int64,
}


def near_duplicates(
    samples: pl.DataFrame, real: pl.DataFrame, near: float, modality: Modality
) -> pl.DataFrame:
    """Find the samples that equal a real row or are near-duplicates of one.

    Args:
        samples: round, row, sample_id, payload.
        real: row, sample_id, payload.
        near: distance at or below which two rows are near-duplicates.
        modality: modality of samples and real rows.

    Returns:
        One row per such sample, in order, with an equal real row or else the closest: round, row,
        sample_id, equal (the same content id), distance (0 if equal), real_row.
    """
    indexed = samples.select("round", "row", "sample_id").with_row_index("index")
    same = real.select("sample_id", pl.col("row").alias("real_row")).unique(
        "sample_id", keep="first", maintain_order=True
    )
    equal = indexed.join(same, on="sample_id").with_columns(
        pl.lit(value=True).alias("equal"), pl.lit(0.0).alias("distance")
    )
    left, right, distance = modality.within(samples, real, near)
    first = np.unique(left, return_index=True)[1]  # the closest comes first
    close = indexed[left[first]].with_columns(
        real["row"][right[first]].alias("real_row"),
        pl.lit(value=False).alias("equal"),
        pl.Series("distance", distance[first]),
    )
    unequal = close.join(equal, on="index", how="anti")
    duplicates = pl.concat([equal, unequal], how="diagonal").sort("index")
    return duplicates.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def of_candidates(
    candidates: pl.DataFrame, held_out_rows: pl.DataFrame, near: float, modality: Modality
) -> pl.DataFrame:
    """Find the candidates that leaked from the hold-out.

    Args:
        candidates: round, row, sample_id, payload; an unreadable candidate is no leak.
        held_out_rows: row, sample_id, payload of held-out rows.
        near: as in `near_duplicates`.
        modality: as in `near_duplicates`.

    Returns:
        The leaks, with the columns `STORED`.
    """
    readable = modality.readable(candidates, held_out_rows)
    return near_duplicates(candidates.filter(readable), held_out_rows, near, modality).select(
        STORED
    )


def describe(leaks: pl.DataFrame, near: float, key: str, samples: str) -> dict[str, Any]:
    """The section `leaks` of a round's manifest.

    Args:
        leaks: the leaks of the round.
        near: distance at or below which rows counted as near-duplicates.
        key: input key of the hold-out that was searched.
        samples: checksum of the samples that were searched, from `samples_checksum`.
    """
    return {"rows": len(leaks), "near": near, "holdout": key, "samples": samples}


def propagate(lake: Lake, commit: str, leaks: pl.DataFrame) -> pl.DataFrame:
    """Propagate contamination from leaks through the lineage graph of a commit.

    Args:
        lake: the lake.
        commit: the commit; without leaks, its lineage graph is not opened.
        leaks: leaks with the columns `COLUMNS`.

    Returns:
        The leaks and their descendants, with the schema `lineage.contamination.CONTAMINATED`.
    """
    if leaks.is_empty():
        return pl.DataFrame(schema=lineage.contamination.CONTAMINATED)
    return lineage.contamination.propagate(ancestry_index.open_at(lake, commit), leaks)


def at_commit(ctx: RoundContext, commit: str, *, fresh: pl.DataFrame | None = None) -> pl.DataFrame:
    """The contaminated occurrences at a commit.

    The list that the last round of the data set stored is used if it was computed with the current
    distances and hold-outs, and from the rounds that the commit holds. Otherwise contamination is
    computed again.

    Args:
        ctx: the current round.
        commit: the commit.
        fresh: leaks of the current round, if the commit does not hold them yet.

    Returns:
        The occurrences, with the schema `lineage.contamination.CONTAMINATED`.
    """
    if fresh is None:
        stored = _stored_list(ctx, commit)
        if stored is not None:
            return stored
    return propagate(ctx.lake, commit, leaks_at(ctx, commit, fresh=fresh))


def searched(ctx: RoundContext, commit: str) -> dict[str, Any]:
    """The inputs from which contamination at a commit is computed, by data set.

    Returns:
        `near` and `holdout`: the distance and the input key of the hold-out of the search;
        `rounds`: the checksums of each round's samples and lineage.
    """
    contents = {}
    for dataset, rounds in _contents(ctx.lake, commit).items():
        real = manifest.read(ctx.lake, commit, dataset, 0)
        contents[dataset] = {
            "near": _near(ctx, dataset, real),
            "holdout": real["holdout"]["input_key"],
            "rounds": rounds,
        }
    return contents


def leaks_at(ctx: RoundContext, commit: str, *, fresh: pl.DataFrame | None = None) -> pl.DataFrame:
    """The leaks of all rounds of all data sets at a commit.

    Args:
        ctx: the current round.
        commit: the commit.
        fresh: as in `at_commit`.

    Returns:
        The leaks, with the columns `COLUMNS`.
    """
    this_round = ctx.round.dataset, ctx.round.number
    parts = [] if fresh is None else [fresh.select(pl.lit(this_round[0]).alias("dataset"), *STORED)]
    for dataset, numbers in _rounds(ctx.lake, commit).items():
        selected = [
            number for number in numbers if fresh is None or (dataset, number) != this_round
        ]
        parts += [
            part.select(pl.lit(dataset).alias("dataset"), *STORED)
            for part in _leaks_of(ctx, commit, dataset, selected)
        ]
    dtypes = {"dataset": pl.String, **{name: SCHEMA[name] for name in STORED}}
    return pl.concat([pl.DataFrame(schema=dtypes), *parts])


def _stored_list(ctx: RoundContext, commit: str) -> pl.DataFrame | None:
    """The list that the last round stored; None if it was computed from other inputs."""
    lake, dataset = ctx.lake, ctx.round.dataset
    numbers = _rounds(lake, commit).get(dataset, [])
    if not numbers:
        return None
    recorded = manifest.read(lake, commit, dataset, numbers[-1]).get(CONTAMINATED)
    if recorded is None or not _covers(recorded["searched"], searched(ctx, commit), dataset):
        return None
    rows = tables.read_round(lake, commit, dataset, CONTAMINATED, numbers[-1])
    return rows.cast(lineage.contamination.CONTAMINATED)


def _covers(then: Mapping[str, Any], now: Mapping[str, Any], dataset: str) -> bool:
    """Tell whether a stored list is still valid: its inputs are unchanged.

    Rounds that were added to other data sets since then are no ancestors of this data set's rows.
    """
    if dataset not in now or then.get(dataset) != now[dataset]:
        return False
    for name, earlier in then.items():
        later = now.get(name, {"rounds": {}})
        grown = earlier["rounds"].items() <= later["rounds"].items()
        if not grown or {**earlier, "rounds": {}} != {**later, "rounds": {}}:
            return False
    return True


def _contents(lake: Lake, commit: str) -> dict[str, dict[str, str]]:
    """Checksums of samples and lineage of the rounds at a commit, by data set and number."""
    checksums: dict[str, dict[str, str]] = defaultdict(dict)
    for item in sorted(lake.objects(commit), key=lambda item: item.path):
        dataset, _, rest = item.path.partition("/")
        number = refs.round_of(item.path)
        if number is not None and rest.startswith(("samples/", "lineage/")):
            before = checksums[dataset].get(str(number), "")
            checksums[dataset][str(number)] = before + item.checksum
    return dict(sorted(checksums.items()))


def samples_checksum(lake: Lake, commit: str, dataset: str, number: int) -> str:
    """Checksum of the samples of a round at a commit."""
    parts = lake.objects(commit, refs.partition(dataset, "samples", number))
    return "".join(item.checksum for item in sorted(parts, key=lambda item: item.path))


def _rounds(lake: Lake, commit: str) -> dict[str, list[int]]:
    """Sorted numbers of the rounds with samples at a commit, by data set."""
    numbers_of: dict[str, set[int]] = defaultdict(set)
    for item in lake.objects(commit):
        dataset, _, rest = item.path.partition("/")
        number = refs.round_of(item.path)
        if number is not None and rest.startswith("samples/"):
            numbers_of[dataset].add(number)
    return {dataset: sorted(numbers) for dataset, numbers in sorted(numbers_of.items())}


def _leaks_of(
    ctx: RoundContext, commit: str, dataset: str, numbers: Iterable[int]
) -> list[pl.DataFrame]:
    """The leaks of rounds of a data set, from the lake or from a new search."""
    manifests = {
        number: manifest.read(ctx.lake, commit, dataset, number) for number in {0, *numbers}
    }
    key, near = manifests[0]["holdout"]["input_key"], _near(ctx, dataset, manifests[0])
    modality = modalities.recorded(manifests[0])
    stored = [
        number
        for number in numbers
        if _answers(manifests[number].get("leaks"), near, key)
        and _is_of(ctx, commit, dataset, number, manifests[number]["leaks"].get("samples"))
    ]
    parts = [_stored_leaks(ctx.lake, commit, dataset, stored, near)] if stored else []
    outdated = [number for number in numbers if number not in stored]
    if outdated:
        held_out_rows = held_out(ctx, commit, dataset).fingerprints()
        for number in outdated:
            samples = tables.read_round(ctx.lake, commit, dataset, "samples", number)
            parts.append(near_duplicates(samples, held_out_rows, near, modality))
    return parts


def _stored_leaks(
    lake: Lake, commit: str, dataset: str, numbers: list[int], near: float
) -> pl.DataFrame:
    """Stored leaks of rounds at or below a distance, which may be smaller than the stored one."""
    is_near = pl.col("equal") | (pl.col("distance") <= near * ROUNDING)
    leaks = tables.read(lake, commit, dataset, LEAKS)
    selected = leaks.filter(pl.col("round").is_in(numbers) & is_near)
    return tables.collected(selected, f"the leaks of {dataset} at {commit}")


def _answers(recorded: Mapping[str, Any] | None, near: float, key: str) -> bool:
    """Tell whether leaks that a manifest records cover a distance and a hold-out."""
    return recorded is not None and recorded["holdout"] == key and near <= recorded["near"]


def _is_of(ctx: RoundContext, commit: str, dataset: str, number: int, samples: str | None) -> bool:
    """Tell whether stored leaks belong to the samples that a commit holds.

    The current round is judged by its samples, not by its records. The stored leaks of an earlier
    round that records no checksum (format 1) are accepted.
    """
    if samples is None:
        return (dataset, number) != (ctx.round.dataset, ctx.round.number)
    return samples == samples_checksum(ctx.lake, commit, dataset, number)


def _near(ctx: RoundContext, dataset: str, real: Mapping[str, Any]) -> float:
    """The near-duplicate distance of a data set, from its settings or else from round 0."""
    if dataset in ctx.params.datasets:
        return ctx.params.datasets[dataset].ingest.near
    near: float = real.get("leaks", {"near": Ingest.model_fields["near"].default})["near"]
    return near
