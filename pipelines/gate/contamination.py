"""What of a lake leaked from the hold-out, or descends from what leaked.

A leak is a sample that is equal or near to a held-out row. Leaks are looked for once a round, by
the stage that sees its candidates (refused ones too: one may be a parent of later samples), and
followed through the family tree from there. Both lists are stored beside the round: the next fit,
the guard and an estimate read them. A round whose leaks were looked for otherwise (a smaller
distance, another hold-out) is compared with the hold-out again.
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
"""The table of a round's leaks."""
CONTAMINATED: Final = "contaminated"
"""The table of all contaminated occurrences that the round's evaluate commit holds."""
STORED: Final = ("round", "row", "sample_id", "equal", "distance")
"""Columns of a stored leak."""
COLUMNS: Final = ("dataset", *STORED)
ROUNDING: Final = 1 + 1e-9
"""A distance at the limit may come out a little above it."""
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
    """Find the samples that are equal or near to a real row.

    Args:
        samples: round, row, sample_id, payload.
        real: row, sample_id, payload.
        near: distance at or below which two rows are near-duplicates.
        modality: of both.

    Returns:
        One row per such sample, in order, with an equal real row or else the closest: round, row,
        sample_id, equal (the same content id), distance (0 of equal ones), real_row.
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
    """Find the candidates that leaked from the hold-out: `STORED`.

    Args:
        candidates: round, row, sample_id, payload; one that cannot be read is no copy.
        held_out_rows: row, sample_id, payload of held-out rows.
        near: as in `near_duplicates`.
        modality: as in `near_duplicates`.
    """
    readable = modality.readable(candidates, held_out_rows)
    return near_duplicates(candidates.filter(readable), held_out_rows, near, modality).select(
        STORED
    )


def describe(leaks: pl.DataFrame, near: float, key: str, samples: str) -> dict[str, Any]:
    """What a round's manifest says of its leaks.

    Args:
        leaks: the leaks.
        near: the distance at or below which they were looked for.
        key: input key of the hold-out in which they were looked for.
        samples: checksum of the samples that were looked at, as `samples_checksum` gives it.
    """
    return {"rows": len(leaks), "near": near, "holdout": key, "samples": samples}


def propagate(lake: Lake, commit: str, leaks: pl.DataFrame) -> pl.DataFrame:
    """Follow leaks through the family tree of a commit; without any, it is not opened.

    Args:
        lake: the lake.
        commit: the commit.
        leaks: `COLUMNS`.

    Returns:
        `lineage.contamination.CONTAMINATED`: the leaks and what descends from them.
    """
    if leaks.is_empty():
        return pl.DataFrame(schema=lineage.contamination.CONTAMINATED)
    return lineage.contamination.propagate(ancestry_index.open_at(lake, commit), leaks)


def at_commit(ctx: RoundContext, commit: str, *, fresh: pl.DataFrame | None = None) -> pl.DataFrame:
    """The contaminated occurrences at a commit: `lineage.contamination.CONTAMINATED`.

    What the last round of the data set stored is read where it answers the question: looked for at
    the distances and in the hold-outs that are asked for now, of the rounds that the commit holds.

    Args:
        ctx: the round at work.
        commit: the commit.
        fresh: leaks of the round at work, if the commit does not hold them yet.
    """
    if fresh is None:
        stored = _stored_list(ctx, commit)
        if stored is not None:
            return stored
    return propagate(ctx.lake, commit, leaks_at(ctx, commit, fresh=fresh))


def searched(ctx: RoundContext, commit: str) -> dict[str, Any]:
    """What contamination at a commit follows from, by data set.

    Returns:
        `near` and `holdout`: the distance and the hold-out by which leaks are looked for; `rounds`:
        the checksums of each round's samples and lineage.
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
    """The leaks of all rounds of all data sets at a commit: `COLUMNS`.

    Args:
        ctx: the round at work.
        commit: the commit.
        fresh: as in `at_commit`.
    """
    ours = ctx.round.dataset, ctx.round.number
    parts = [] if fresh is None else [fresh.select(pl.lit(ours[0]).alias("dataset"), *STORED)]
    for dataset, numbers in _rounds(ctx.lake, commit).items():
        wanted = [number for number in numbers if fresh is None or (dataset, number) != ours]
        parts += [
            part.select(pl.lit(dataset).alias("dataset"), *STORED)
            for part in _leaks_of(ctx, commit, dataset, wanted)
        ]
    dtypes = {"dataset": pl.String, **{name: SCHEMA[name] for name in STORED}}
    return pl.concat([pl.DataFrame(schema=dtypes), *parts])


def _stored_list(ctx: RoundContext, commit: str) -> pl.DataFrame | None:
    """The list that the last round of the data set stored; None: it answers another question."""
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
    """Whether a stored list still holds for a data set: what its rows descend from is unchanged.

    Rounds that other data sets got since are nobody's ancestors here.
    """
    if then.get(dataset) != now[dataset]:
        return False
    for name, earlier in then.items():
        later = now.get(name, {"rounds": {}})
        grown = earlier["rounds"].items() <= later["rounds"].items()
        if not grown or {**earlier, "rounds": {}} != {**later, "rounds": {}}:
            return False
    return True


def _contents(lake: Lake, commit: str) -> dict[str, dict[str, str]]:
    """Checksums of the samples and lineage of each round at a commit, by data set and number."""
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
    """The rounds with samples of each data set at a commit."""
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
    """The leaks of rounds of a data set, stored or looked for again."""
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
    """Stored leaks of rounds, but for those that were looked for farther away."""
    is_near = pl.col("equal") | (pl.col("distance") <= near * ROUNDING)
    leaks = tables.read(lake, commit, dataset, LEAKS)
    wanted = leaks.filter(pl.col("round").is_in(numbers) & is_near)
    return tables.collected(wanted, f"the leaks of {dataset} at {commit}")


def _answers(recorded: Mapping[str, Any] | None, near: float, key: str) -> bool:
    """Tell whether what a manifest says of stored leaks covers a distance and a hold-out."""
    return recorded is not None and recorded["holdout"] == key and near <= recorded["near"]


def _is_of(ctx: RoundContext, commit: str, dataset: str, number: int, samples: str | None) -> bool:
    """Whether stored leaks are of the samples that a commit holds.

    The round at work is judged by what it holds, not by what is recorded about it. Of an earlier
    round that names no samples (format 1) what is stored will do.
    """
    if samples is None:
        return (dataset, number) != (ctx.round.dataset, ctx.round.number)
    return samples == samples_checksum(ctx.lake, commit, dataset, number)


def _near(ctx: RoundContext, dataset: str, real: Mapping[str, Any]) -> float:
    """The distance of near-duplicates; what round 0 says, of a data set without settings."""
    if dataset in ctx.params.datasets:
        return ctx.params.datasets[dataset].ingest.near
    near: float = real.get("leaks", {"near": Ingest.model_fields["near"].default})["near"]
    return near
