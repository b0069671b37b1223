"""What the guard judges, gathered from the lake: lineage, copies, leaks, figures."""

from __future__ import annotations

from lineage import mix as mixing
from lineage.guard import Evidence
from pipelines.gate import contamination, taint
from pipelines.rounds import manifest, tables
from pipelines.rounds.context import RoundContext, held_out
from pipelines.verification.calibrations import applied


def collect(ctx: RoundContext, commit: str) -> Evidence:
    """Gather the evidence about a round at its evaluate commit.

    The round itself is compared with the hold-out as it is, whatever is stored of its leaks; for
    earlier rounds what is stored will do.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    near, modality = ctx.round.settings.ingest.near, ctx.round.settings.modality
    about = manifest.read(lake, commit, dataset, number)
    accepted = tables.read_round(lake, commit, dataset, "samples", number)
    rows = tables.read_round(lake, commit, dataset, "lineage", number)
    fresh = contamination.copies(accepted, held_out(ctx, commit).fingerprints(), near, modality)
    real = tables.real_samples(lake, commit, dataset)
    return Evidence(
        dataset=dataset,
        round=number,
        lineage=rows.join(accepted, on=["round", "row"], how="semi"),
        mix=mixing.read(about["next_mix"]),
        counts=about["counts"],
        copies=contamination.copies(accepted, real, near, modality),
        leaks=fresh,
        metrics=about["metrics"],
        held_out_ancestors=taint.at(ctx, commit, fresh=fresh),
        calibration=applied.to_round(ctx, commit),
    )
