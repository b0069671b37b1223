"""The evidence that the guard judges: lineage, near-duplicates, leaks and metrics in the lake."""

from __future__ import annotations

import polars as pl

from lineage import contamination as reasons
from lineage import curation, training_mix
from lineage.guard import Evidence
from pipelines.gate import contamination, licences
from pipelines.rounds import holdout, manifest, parts, tables
from pipelines.rounds.context import RoundContext
from pipelines.verification.calibrations import applied


def collect(ctx: RoundContext, commit: str) -> Evidence:
    """Collect the evidence about a round at its evaluate commit.

    Leaks and contamination are those that the stage `evaluate` stored.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    near, modality = ctx.round.settings.ingest.near, ctx.round.settings.modality
    recorded = manifest.read(lake, commit, dataset, number)
    accepted = tables.read_round(lake, commit, dataset, "samples", number)
    rows = tables.read_round(lake, commit, dataset, "lineage", number)
    contaminated = contamination.at_commit(ctx, commit)
    leaks = contamination.of_round(ctx, commit)
    real = tables.real_samples(lake, commit, dataset, before=number)
    accepted_rows = rows.join(accepted, on=["round", "row"], how="semi")
    verdicts = parts.decisive_verdicts(lake, commit, dataset, number)
    mix = training_mix.read(recorded["next_mix"])
    return Evidence(
        dataset=dataset,
        round=number,
        lineage=accepted_rows,
        mix=mix,
        counts=recorded["counts"],
        copies=contamination.near_duplicates(accepted, real, near, modality),
        leaks=leaks.join(accepted, on=["round", "row"], how="semi"),
        metrics=recorded["metrics"],
        held_out_ancestors=contaminated,
        earlier_leaks=_earlier_leaks(ctx, commit, contaminated),
        real_rounds=_real_rounds(ctx, commit, accepted_rows),
        calibration=applied.to_round(ctx, commit),
        licences=licences.missing(lake, commit, mix.dataset, mix.rounds),
        warned=curation.warned(verdicts, accepted),
        holdout_digest=holdout.digest_of(manifest.read(lake, commit, dataset, 0)) or "",
    )


def _earlier_leaks(ctx: RoundContext, commit: str, contaminated: pl.DataFrame) -> tuple[int, int]:
    """Count the accepted samples of earlier generated rounds that leaked, and all of them."""
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    real = tables.real_rounds(lake, commit, dataset)
    earlier = (pl.col("round") < number) & ~pl.col("round").is_in(real)
    samples = tables.read(lake, commit, dataset, "samples").select(tables.OCCURRENCE)
    rows = tables.collected(samples.filter(earlier), f"the samples of {dataset} at {commit}")
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
