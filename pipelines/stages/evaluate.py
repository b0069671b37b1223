"""Stage `evaluate`: metrics of the mix with this round, on real data that no generator saw.

The mix is what the next generator would be fitted on: the regime of this round, applied to the
curate commit. A downstream classifier trained on it is compared with one trained on real data
alone, and the round itself is compared with real data; each metric stands beside its
real-versus-real null. The search for leaks from the hold-out also runs here, and its result is
stored with the round.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import polars as pl

from lake import files, refs
from pipelines.gate import contamination, stored_leaks
from pipelines.rounds import (
    branches,
    measured_rows,
    measurement,
    mixes,
    parts,
    picture,
    receipts,
    round_holdout,
    stage_inputs,
    tables,
)
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.holdout import HeldOut
from pipelines.rounds.keys import StageKey
from pipelines.rounds.mixes import TrainingMix
from pipelines.rounds.round_commit import StageResult, Transaction, adopt, round_commit
from pipelines.takedown import denied_rows
from pipelines.verification import confidence


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Measure a round, or adopt metrics from the lake; write the local metrics and picture."""
    curated = ctx.receipt("curate")
    key = stage_inputs.key(ctx.round, "evaluate", curated.key)
    result = adopt(ctx, "evaluate", key, supersede=supersede) or _evaluate(
        ctx, key, curated.commit, supersede=supersede
    )
    _local_files(ctx, result)
    write_receipt(ctx, "evaluate", result.commit.id, result.key, curated.rows)


def _evaluate(ctx: RoundContext, key: StageKey, curated: str, *, supersede: bool) -> StageResult:
    """Measure the round, search for leaks from the hold-out, and commit both results."""
    start = branches.rebase_onto_main(ctx, ctx.lake.resolve(curated), supersede=supersede)
    message = f"Evaluate {ctx.round.key} on real validation data"
    with round_commit(ctx, "evaluate", key=key, start=start.id, message=message) as tx:
        began, number = time.monotonic(), ctx.round.number
        near, holdout = ctx.round.settings.ingest.near, round_holdout.open_at(ctx, curated)
        leaks = _leaks(ctx, holdout, near)
        contaminated = contamination.of_mix(ctx, curated, holdout, fresh=leaks)
        figures, next_mix = measure(ctx, curated, holdout, contaminated)
        _write_contamination(ctx, tx, curated, leaks, contaminated)
        tx.manifest["metrics"] = figures
        tx.manifest["next_mix"] = next_mix.manifest.model_dump(mode="json")
        samples = stored_leaks.samples_checksum(ctx.lake, curated, ctx.round.dataset, number)
        tx.manifest["leaks"] = stored_leaks.describe(leaks, near, holdout.named, samples)
        tx.add_cost(evaluate={"seconds": round(time.monotonic() - began, 3)})
    return tx.result


def _leaks(ctx: RoundContext, holdout: HeldOut, near: float) -> pl.DataFrame:
    """The round's candidates that equal held-out rows or are near-duplicates of them."""
    generated, round_ = ctx.receipt("generate").commit, ctx.round
    return contamination.of_stored(
        ctx.lake,
        generated,
        round_.number,
        holdout,
        near=near,
        modality=round_.settings.modality,
    )


def _write_contamination(
    ctx: RoundContext,
    tx: Transaction,
    curated: str,
    leaks: pl.DataFrame,
    contaminated: pl.DataFrame,
) -> None:
    """Stage the round's leaks and all contaminated occurrences; empty tables are written too."""
    dataset, number = ctx.round.dataset, ctx.round.number
    tx.write(refs.part(dataset, stored_leaks.LEAKS, number), leaks)
    tx.write(refs.part(dataset, stored_leaks.CONTAMINATED, number), contaminated)
    tx.manifest[stored_leaks.CONTAMINATED] = {
        "rows": len(contaminated),
        "searched": contamination.searched(ctx, curated),
    }


def measure(
    ctx: RoundContext, commit: str, holdout: HeldOut, contaminated: pl.DataFrame
) -> tuple[dict[str, Any], TrainingMix]:
    """Compute the metrics of a curate commit and the mix for the next generator.

    Args:
        ctx: the round.
        commit: the curate commit of the round.
        holdout: the hold-out of the data set.
        contaminated: occurrences that a fit must not learn from.
    """
    round_, lake = ctx.round, ctx.lake
    most = round_.settings.evaluate.sample
    real = tables.real_samples(lake, commit, round_.dataset, before=round_.number)
    accepted, count = measured_rows.read(lake, commit, round_, "samples", most)
    denied = denied_rows.of_mix(lake, commit, round_)
    rows = mixes.compose(lake, commit, round_, contaminated=contaminated, denied=denied)
    mixes.tell(rows.left_out)
    mix, of_mix = mixes.measured(lake, commit, round_, rows, "mix")
    before, of_before = _mix_before(ctx)
    share = len(accepted) / max(count, 1)
    frames = {
        "real": real,
        "validation": holdout.validation(),
        "accepted": accepted,
        "mix": mix.samples,
        "previous": before.samples,
        **_candidates(ctx, real, share),
    }
    sure = confidence.of_round(ctx, commit, accepted, frames["validation"])
    content = measurement.of_frames(round_, frames, sure).to_dict()
    sets = {"accepted": count, "mix": of_mix, "previous": of_before}
    content |= measured_rows.section(round_, sets)
    content["summary"] |= _ancestry(ctx, commit, mix)
    return content, mix


def _mix_before(ctx: RoundContext) -> tuple[TrainingMix, int]:
    """What the generator of this round learned from, as it is measured, and its number of rows."""
    lake, pinned = ctx.lake, ctx.receipt("fit").commit
    earlier = contamination.of_mix(ctx, pinned, round_holdout.open_at(ctx, pinned))
    denied = denied_rows.of_mix(lake, pinned, ctx.round)
    rows = mixes.compose(lake, pinned, ctx.round, contaminated=earlier, denied=denied)
    mixes.tell(rows.left_out)
    return mixes.measured(lake, pinned, ctx.round, rows, "previous")


def _candidates(ctx: RoundContext, real: pl.DataFrame, share: float) -> dict[str, pl.DataFrame]:
    """The candidates, if a metric asks for them, and of them the share that accepted rows have."""
    generated = ctx.receipt("generate")
    most = None if share >= 1 else max(1, round(share * _rows_of(ctx, generated.commit)))
    return measurement.read_candidates(ctx.lake, generated.commit, ctx.round, real, most)


def _rows_of(ctx: RoundContext, commit: str) -> int:
    """Number of the round's candidates."""
    scanned = ctx.lake.scan(
        commit, refs.partition(ctx.round.dataset, "candidates", ctx.round.number)
    )
    return int(scanned.select(pl.len()).collect().item())


def _ancestry(ctx: RoundContext, commit: str, mix: TrainingMix) -> dict[str, float | None]:
    """Figures about the share of real data in ancestry and next mix, for plots over rounds."""
    dataset, number = ctx.round.dataset, ctx.round.number
    names = (*tables.OCCURRENCE, "real_inputs", "depth_mean")
    rows = parts.joined(parts.blocks(ctx.lake, commit, dataset, "lineage", number, columns=names))
    samples = ctx.lake.scan(commit, refs.partition(dataset, "samples", number))
    what = f"the samples of round {number} of {dataset} at {commit}"
    accepted = tables.collected(samples.select(tables.OCCURRENCE), what)
    kept = rows.join(accepted, on=["round", "row"], how="semi")
    means = kept.select(pl.col("real_inputs", "depth_mean").cast(pl.Float64).mean()).row(0)
    real_inputs, depth_mean = (None if mean is None else round(mean, 6) for mean in means)
    return {
        "real_share": round(mix.manifest.real_share, 6),
        "real_inputs": real_inputs,
        "depth_mean": depth_mean,
        "accepted": len(accepted),
    }


def _local_files(ctx: RoundContext, result: StageResult) -> None:
    """Write the files that DVC shows: metrics for `dvc metrics`, and the round's picture."""
    dataset, number = ctx.round.dataset, ctx.round.number
    summary = result.manifest["metrics"]["summary"]
    files.write_json(receipts.path(dataset, number, "metrics"), summary)
    shown = picture.of_round(ctx, result.commit.id, ctx.round.settings.evaluate.examples)
    files.write_atomic(Path("reports") / dataset / str(number) / "grid.png", shown)
