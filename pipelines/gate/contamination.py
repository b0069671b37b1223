"""Contamination: samples that leaked from the hold-out, and the descendants of such samples.

A leak is a sample that is equal to a held-out row or a near-duplicate of one. Leaks are searched
once a round among all its candidates (refused ones too, because they may be parents of later
samples), and contamination is propagated from them through the lineage graph. Both lists are stored
beside the round; the next fit, the guard and the cost estimate read them. A round whose stored
leaks are not believed (`pipelines.gate.stored_leaks`) is searched again. What a generator learns
from and what the guard judges is compared with the hold-out in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

import lineage.contamination
from lake.client import Lake
from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.gate import content_leaks, stored_leaks
from pipelines.gate.stored_leaks import (
    CONTAMINATED,
    LEAKS,
    NO_LEAKS,
    NODE,
    SCHEMA,
    STORED,
    Rounds,
    of_dataset,
)
from pipelines.modalities import Modality
from pipelines.params import Ingest
from pipelines.rounds import ancestry_index, holdout, manifest, parts, round_holdout, tables
from pipelines.rounds.context import RoundContext
from pipelines.rounds.holdout import HeldOut


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


def of_stored(
    lake: Lake,
    ref: str,
    number: int,
    held_out: HeldOut,
    *,
    near: float,
    modality: Modality,
    table: str = "candidates",
) -> pl.DataFrame:
    """Find the rows of a round at a ref that leaked from the hold-out, block by block.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        number: the round.
        held_out: the hold-out of its data set; the ids of rows are computed from their content.
        near: as in `near_duplicates`.
        modality: as in `near_duplicates`.
        table: with the rows.

    Returns:
        As `of_candidates`.
    """
    named, held = held_out.named, held_out.fingerprints()
    blocks = parts.blocks_beside(lake, ref, named.dataset, table, number, others=held)
    return parts.joined(
        of_candidates(block.with_columns(sample_ids(block, named.identity)), held, near, modality)
        for block in blocks
    )


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

    The list that the last round of the data set stored is used if the stage that stored it is
    attested, and computed it with the current distances and hold-outs from the rounds that the
    commit holds. Otherwise contamination is computed again.

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


def of_mix(
    ctx: RoundContext, commit: str, held_out: HeldOut, *, fresh: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The contaminated occurrences that must not be in a training mix at a commit.

    Whatever is stored, the content of each sample of the data set is compared with that of the
    hold-out: its id is computed again from its payload.

    Args:
        ctx: the current round.
        commit: the commit from which the mix is taken.
        held_out: the hold-out of the data set.
        fresh: as in `at_commit`.

    Returns:
        The occurrences, with the schema `lineage.contamination.CONTAMINATED`.
    """
    dataset = ctx.round.dataset
    known = at_commit(ctx, commit, fresh=fresh)
    equal = content_leaks.of_samples(held_out, tables.read(ctx.lake, commit, dataset, "samples"))
    if equal.join(known, on=NODE, how="anti").is_empty():
        return known
    leaks = pl.concat([leaks_at(ctx, commit, fresh=fresh), equal])
    return propagate(ctx.lake, commit, leaks)


def searched(ctx: RoundContext, commit: str) -> dict[str, Any]:
    """The inputs from which contamination at a commit is computed, by data set.

    Returns:
        `near`, `holdout` and `holdout_digest`: the distance of the search, and the input key and
        digest of the hold-out; `rounds`: the checksums of each round's samples and lineage.
    """
    return _searched(ctx, Rounds(ctx.lake, commit))


def _searched(ctx: RoundContext, at: Rounds) -> dict[str, Any]:
    contents = {}
    for dataset, rounds in at.checksums("samples", "lineage").items():
        real = manifest.read(ctx.lake, at.commit, dataset, 0)
        contents[dataset] = {
            "near": _near(ctx, dataset, real),
            "rounds": rounds,
            **stored_leaks.hold_out(holdout.named(dataset, real)),
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
    rounds = Rounds(ctx.lake, commit)
    this_round = ctx.round.dataset, ctx.round.number
    found = [NO_LEAKS] if fresh is None else [NO_LEAKS, of_dataset(this_round[0], fresh)]
    for dataset, numbers in rounds.numbers().items():
        selected = [
            number for number in numbers if fresh is None or (dataset, number) != this_round
        ]
        found += _leaks_of(ctx, rounds, dataset, selected)
        if fresh is None and this_round in ((dataset, number) for number in selected):
            found.insert(1, content_leaks.of_round(ctx, commit))
    return pl.concat(found).unique(NODE, keep="first", maintain_order=True)


def of_round(ctx: RoundContext, commit: str) -> pl.DataFrame:
    """The leaks among the accepted samples of the current round at a commit.

    Whatever is stored, the content of each sample is compared with that of the hold-out.

    Returns:
        The leaks, with the columns `COLUMNS`; those that equal a held-out row come first.
    """
    rounds = Rounds(ctx.lake, commit)
    stored = _leaks_of(ctx, rounds, ctx.round.dataset, [ctx.round.number])
    leaks = pl.concat([content_leaks.of_round(ctx, commit), *stored])
    return leaks.unique(NODE, keep="first", maintain_order=True)


def _stored_list(ctx: RoundContext, commit: str) -> pl.DataFrame | None:
    """The list that the last round stored; None if it is not attested or of other inputs."""
    lake, dataset = ctx.lake, ctx.round.dataset
    rounds = Rounds(lake, commit)
    numbers = rounds.numbers().get(dataset, [])
    if not numbers:
        return None
    written = rounds.attested(dataset, numbers[-1]) or {}
    recorded = written.get(CONTAMINATED)
    if recorded is None or not _covers(recorded["searched"], _searched(ctx, rounds), dataset):
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


def _leaks_of(
    ctx: RoundContext, rounds: Rounds, dataset: str, numbers: Iterable[int]
) -> Iterator[pl.DataFrame]:
    """The leaks of rounds of a data set, from the lake or from a new search."""
    lake, commit = ctx.lake, rounds.commit
    real = manifest.read(lake, commit, dataset, 0)
    named, near = holdout.named(dataset, real), _near(ctx, dataset, real)
    stored: list[int] = []
    outdated: list[int] = []
    for number in numbers:
        recorded = (rounds.attested(dataset, number) or {}).get(LEAKS)
        believed = stored_leaks.answers(recorded, near, named)
        (stored if believed else outdated).append(number)
    if stored:
        yield of_dataset(dataset, stored_leaks.read(lake, commit, dataset, stored, near))
    if not outdated:
        return
    held_out, modality = round_holdout.open_at(ctx, commit, dataset), modalities.recorded(real)
    for number in outdated:
        found = of_stored(
            lake, commit, number, held_out, near=near, modality=modality, table="samples"
        )
        yield of_dataset(dataset, found)


def _near(ctx: RoundContext, dataset: str, real: Mapping[str, Any]) -> float:
    """The near-duplicate distance of a data set, from its settings or else from round 0."""
    if dataset in ctx.params.datasets:
        return ctx.params.datasets[dataset].ingest.near
    near: float = real.get("leaks", {"near": Ingest.model_fields["near"].default})["near"]
    return near
