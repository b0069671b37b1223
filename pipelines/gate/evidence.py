"""The evidence that the guard judges: lineage, near-duplicates, leaks and metrics in the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake import refs
from lineage import contamination as reasons
from lineage import curation, training_mix
from lineage.evidence import PastRound
from lineage.guard import Evidence
from lineage.manifest import MixManifest
from pipelines.gate import contamination, licences
from pipelines.rounds import guard_checks, holdout, manifest, parts, tables
from pipelines.rounds.context import RoundContext
from pipelines.rounds.guard_checks import HISTORY, REFUSALS
from pipelines.verification.calibrations import applied


@dataclass(frozen=True, slots=True, eq=False)
class Without:
    """What is left of a data set without rows that a take-down would take, measured anew."""

    taken: pl.DataFrame
    """round, row of the samples of the data set that it would take."""
    mix: MixManifest
    metrics: Mapping[str, Any]


def collect(ctx: RoundContext, commit: str, without: Without | None = None) -> Evidence:
    """Collect the evidence about a round at its evaluate commit.

    Leaks and contamination are those that the stage `evaluate` stored.

    Args:
        ctx: the round.
        commit: its evaluate commit, or a commit of main that holds it.
        without: judge the data set without some rows; None: mix and metrics are those that
            the stage `evaluate` stored.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    recorded = manifest.read(lake, commit, dataset, number)
    taken = None if without is None else without.taken
    accepted = _accepted(ctx, commit, taken)
    rows = tables.read_round(lake, commit, dataset, "lineage", number)
    contaminated = contamination.at_commit(ctx, commit)
    leaks = contamination.of_round(ctx, commit)
    real = tables.real_samples(lake, commit, dataset, before=number)
    accepted_rows = rows.join(accepted, on=["round", "row"], how="semi")
    verdicts = parts.decisive_verdicts(lake, commit, dataset, number)
    mix = training_mix.read(recorded["next_mix"]) if without is None else without.mix
    wanted = guard_checks.read_by(ctx.round.settings.publish.checks)
    return Evidence(
        dataset=dataset,
        round=number,
        lineage=accepted_rows,
        mix=mix,
        counts=recorded["counts"],
        copies=_copies(ctx, commit, real, taken),
        leaks=leaks.join(accepted, on=["round", "row"], how="semi"),
        metrics=recorded["metrics"] if without is None else without.metrics,
        held_out_ancestors=contaminated,
        earlier_leaks=_earlier_leaks(ctx, commit, contaminated, taken),
        real_rounds=_real_rounds(ctx, commit, accepted_rows),
        calibration=applied.to_round(ctx, commit),
        licences=licences.missing(lake, commit, mix.dataset, mix.rounds, taken),
        warned=curation.warned(verdicts, accepted),
        history=_history(ctx, commit, without) if HISTORY in wanted else None,
        refusals=curation.refusals(verdicts) if REFUSALS in wanted else None,
        holdout_digest=holdout.digest_of(manifest.read(lake, commit, dataset, 0)) or "",
    )


def _history(ctx: RoundContext, commit: str, without: Without | None) -> list[PastRound]:
    """This round and those before it, by their manifests; this one as it is without what goes."""
    lake, dataset = ctx.lake, ctx.round.dataset
    found = []
    for number in tables.rounds(lake, commit, dataset):
        if number > ctx.round.number:
            continue
        content = manifest.read(lake, commit, dataset, number)
        is_real = number == 0 or manifest.ARRIVALS in content
        maker = {} if is_real else content.get("generator") or {}
        names = (maker.get("kind") or "", maker.get("maker") or "")
        mix, metrics = content.get("next_mix") or {}, content.get("metrics") or {}
        if without is not None and number == ctx.round.number:
            mix, metrics = without.mix.model_dump(mode="json"), without.metrics
        found.append(PastRound(number, " ".join(filter(None, names)), mix, metrics))
    return found


def _accepted(ctx: RoundContext, commit: str, taken: pl.DataFrame | None) -> pl.DataFrame:
    """Round, row and sample_id of the accepted samples of the round, without those taken."""
    dataset, number = ctx.round.dataset, ctx.round.number
    samples = ctx.lake.scan(commit, refs.partition(dataset, "samples", number))
    what = f"the samples of round {number} of {dataset} at {commit}"
    accepted = tables.collected(samples.select(*tables.OCCURRENCE, "sample_id"), what)
    return accepted if taken is None else left(accepted, taken)


def _copies(
    ctx: RoundContext, commit: str, real: pl.DataFrame, taken: pl.DataFrame | None
) -> pl.DataFrame:
    """The accepted samples that equal a real row or are near-duplicates of one, block by block."""
    dataset, number = ctx.round.dataset, ctx.round.number
    near, modality = ctx.round.settings.ingest.near, ctx.round.settings.modality
    blocks = parts.blocks_beside(ctx.lake, commit, dataset, "samples", number, others=real)
    return parts.joined(
        contamination.near_duplicates(
            block if taken is None else left(block, taken), real, near, modality
        )
        for block in blocks
    )


def left(rows: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not among those that are taken; both have round and row."""
    keys = taken.select(pl.col("round").cast(rows.schema["round"]), "row")
    return rows.join(keys, on=["round", "row"], how="anti", maintain_order="left")


def _earlier_leaks(
    ctx: RoundContext, commit: str, contaminated: pl.DataFrame, taken: pl.DataFrame | None
) -> tuple[int, int]:
    """Count the accepted samples of earlier generated rounds that leaked, and all of them."""
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    real = tables.real_rounds(lake, commit, dataset)
    earlier = (pl.col("round") < number) & ~pl.col("round").is_in(real)
    samples = tables.read(lake, commit, dataset, "samples").select(tables.OCCURRENCE)
    rows = tables.collected(samples.filter(earlier), f"the samples of {dataset} at {commit}")
    rows = rows if taken is None else left(rows, taken)
    leaked = contaminated.filter(
        (pl.col("dataset") == dataset) & pl.col("why").is_in([reasons.EQUAL, reasons.NEAR])
    )
    return len(rows.join(leaked, on=tables.OCCURRENCE, how="semi")), len(rows)


def _real_rounds(ctx: RoundContext, commit: str, rows: pl.DataFrame) -> list[tuple[str, int]]:
    """The rounds after round 0, of the data sets of some rows' parents, that bring real rows."""
    parents = rows.select(pl.col("parents").explode().struct.field("dataset").unique())
    return [
        (name, number)
        for name in parents["dataset"].drop_nulls()
        for number in tables.real_rounds(ctx.lake, commit, name)
        if number
    ]
