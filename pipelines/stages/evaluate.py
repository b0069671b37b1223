"""Stage `evaluate`: the mix with this round in it, measured on real data that no generator saw.

The mix is what the next generator would be fitted on: the regime of this round, applied to the
curate commit. A downstream classifier trained on it is compared with one trained on real data
alone, and the round itself is compared with real data, each figure beside its real-versus-real
null. What leaked from the hold-out is looked for here and stored with the round.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import files
from pipelines import metrics
from pipelines.common.seeds import derive_seed
from pipelines.gate import contamination, taint
from pipelines.rounds import branches, keys, manifest, mixes, picture, receipts, tables
from pipelines.rounds.context import RoundContext, held_out, write_receipt
from pipelines.rounds.holdout import HeldOut
from pipelines.rounds.mixes import TrainingMix

CODE: Final = (
    "pipelines/stages/evaluate.py",
    "pipelines/gate/contamination.py",
    "pipelines/metrics",
    "pipelines/modalities",
    "expectations/measures",
)


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Measure a round, or adopt the figures that the lake holds; write metrics and picture."""
    curated = ctx.receipt("curate")
    key = _key(ctx, curated.input_key)

    def produce(branch: str) -> Mapping[str, str]:
        began = time.monotonic()
        dataset, number = ctx.round.dataset, ctx.round.number
        near, held = ctx.round.settings.ingest.near, held_out(ctx, curated.commit)
        leaked = _leaks(ctx, held, near)
        found, next_mix = measure(ctx, curated.commit, held, leaked)
        contamination.store(ctx.lake, branch, dataset, number, leaked)
        manifest.extend(
            ctx.lake,
            branch,
            dataset,
            number,
            metrics=found,
            next_mix=next_mix.manifest.model_dump(mode="json"),
            leaks=contamination.about(leaked, near, held.key),
            cost={"evaluate": {"seconds": round(time.monotonic() - began, 3)}},
        )
        return {}

    commit = branches.commit_once(
        ctx,
        "evaluate",
        key=key,
        start=curated.commit,
        produce=produce,
        supersede=supersede,
        message=f"Evaluate {ctx.round.key} on real validation data",
    )
    _local_files(ctx, commit.id)
    write_receipt(ctx, "evaluate", commit.id, key, curated.rows)


def _leaks(ctx: RoundContext, held: HeldOut, near: float) -> pl.DataFrame:
    """The round's candidates that are equal or near to held-out rows."""
    made, round_ = ctx.receipt("generate").commit, ctx.round
    candidates = tables.read_round(ctx.lake, made, round_.dataset, "candidates", round_.number)
    kind = round_.settings.modality
    return contamination.of_candidates(candidates, held.fingerprints(), near, kind)


def measure(
    ctx: RoundContext, commit: str, held: HeldOut, leaked: pl.DataFrame
) -> tuple[dict[str, Any], TrainingMix]:
    """Figures of a curate commit, and the mix that the next generator would be fitted on.

    Args:
        ctx: the round.
        commit: its curate commit.
        held: the hold-out.
        leaked: the round's leaks.
    """
    round_ = ctx.round
    real = tables.real_samples(ctx.lake, commit, round_.dataset)
    accepted = tables.read_round(ctx.lake, commit, round_.dataset, "samples", round_.number)
    mix = mixes.build(ctx.lake, commit, round_, tainted=taint.at(ctx, commit, fresh=leaked))
    pinned = ctx.receipt("fit").commit
    before = mixes.build(ctx.lake, pinned, round_, tainted=taint.at(ctx, pinned))
    frames = {
        "real": real,
        "validation": held.validation(),
        "accepted": accepted,
        "mix": mix.samples,
        "previous": before.samples,
    }
    modality = round_.settings.modality
    found = metrics.evaluate_round(
        **modality.measured(real, frames),
        task=modality.task,
        settings=round_.settings.evaluate,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "evaluate"),
    )
    content = found.to_dict()
    content["summary"] |= _ancestry(ctx, commit, accepted, mix)
    return content, mix


def _ancestry(
    ctx: RoundContext, commit: str, accepted: pl.DataFrame, mix: TrainingMix
) -> dict[str, float | None]:
    """How far the round and the next mix are from real data, for the plots over rounds."""
    rows = tables.read_round(ctx.lake, commit, ctx.round.dataset, "lineage", ctx.round.number)
    kept = rows.join(accepted, on=["round", "row"], how="semi")
    means = kept.select(pl.col("real_inputs", "depth_mean").cast(pl.Float64).mean()).row(0)
    real_inputs, depth_mean = (None if each is None else round(each, 6) for each in means)
    return {
        "real_share": round(mix.manifest.real_share, 6),
        "real_inputs": real_inputs,
        "depth_mean": depth_mean,
        "accepted": len(accepted),
    }


def _local_files(ctx: RoundContext, commit: str) -> None:
    """Write what DVC shows: metrics for `dvc metrics`, and the round's picture."""
    dataset, number = ctx.round.dataset, ctx.round.number
    about = manifest.read(ctx.lake, commit, dataset, number)
    place = receipts.path(dataset, number, "metrics")
    files.write_json(place, about["metrics"]["summary"])
    shown = picture.of_round(ctx, commit, ctx.round.settings.evaluate.examples)
    files.write_atomic(Path("reports") / dataset / str(number) / "grid.png", shown)


def _key(ctx: RoundContext, curate_key: str) -> str:
    inputs = {
        "seed": ctx.round.seed,
        "fit": ctx.round.settings.fit.model_dump(mode="json"),
        "curate": curate_key,
    }
    return keys.input_key(
        "evaluate", settings=ctx.round.settings.evaluate, code=CODE, inputs=inputs
    )
