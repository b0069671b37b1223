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
from pipelines.rounds.context import Work, held_out, write_receipt
from pipelines.rounds.holdout import HeldOut
from pipelines.rounds.mixes import TrainingMix
from pipelines.stages import runner

CODE: Final = (
    "pipelines/stages/evaluate.py",
    "pipelines/gate/contamination.py",
    "pipelines/metrics",
    "pipelines/modalities",
    "expectations/measures",
)


def main(work: Work, *, supersede: bool = False) -> None:
    """Measure a round, or adopt the figures that the lake holds; write metrics and picture."""
    curated = work.receipt("curate")
    key = _key(work, curated.input_key)

    def produce(branch: str) -> Mapping[str, str]:
        began = time.monotonic()
        dataset, number = work.round.dataset, work.round.number
        near, held = work.round.settings.ingest.near, held_out(work, curated.commit)
        leaked = _leaks(work, held, near)
        found, next_mix = measure(work, curated.commit, held, leaked)
        contamination.store(work.lake, branch, dataset, number, leaked)
        manifest.extend(
            work.lake,
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
        work,
        "evaluate",
        key=key,
        start=curated.commit,
        produce=produce,
        supersede=supersede,
        message=f"Evaluate {work.round.key} on real validation data",
    )
    _local_files(work, commit.id)
    write_receipt(work, "evaluate", commit.id, key, curated.rows)


def _leaks(work: Work, held: HeldOut, near: float) -> pl.DataFrame:
    """The round's candidates that are equal or near to held-out rows."""
    made, round_ = work.receipt("generate").commit, work.round
    candidates = tables.read_round(work.lake, made, round_.dataset, "candidates", round_.number)
    kind = round_.settings.modality
    return contamination.of_candidates(candidates, held.fingerprints(), near, kind)


def measure(
    work: Work, commit: str, held: HeldOut, leaked: pl.DataFrame
) -> tuple[dict[str, Any], TrainingMix]:
    """Figures of a curate commit, and the mix that the next generator would be fitted on.

    Args:
        work: the round.
        commit: its curate commit.
        held: the hold-out.
        leaked: the round's leaks.
    """
    round_ = work.round
    real = tables.real_samples(work.lake, commit, round_.dataset)
    accepted = tables.read_round(work.lake, commit, round_.dataset, "samples", round_.number)
    mix = mixes.build(work.lake, commit, round_, tainted=taint.at(work, commit, fresh=leaked))
    pinned = work.receipt("fit").commit
    before = mixes.build(work.lake, pinned, round_, tainted=taint.at(work, pinned))
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
    content["summary"] |= _ancestry(work, commit, accepted, mix)
    return content, mix


def _ancestry(
    work: Work, commit: str, accepted: pl.DataFrame, mix: TrainingMix
) -> dict[str, float | None]:
    """How far the round and the next mix are from real data, for the plots over rounds."""
    rows = tables.read_round(work.lake, commit, work.round.dataset, "lineage", work.round.number)
    kept = rows.join(accepted, on=["round", "row"], how="semi")
    means = kept.select(pl.col("real_inputs", "depth_mean").cast(pl.Float64).mean()).row(0)
    real_inputs, depth_mean = (None if each is None else round(each, 6) for each in means)
    return {
        "real_share": round(mix.manifest.real_share, 6),
        "real_inputs": real_inputs,
        "depth_mean": depth_mean,
        "accepted": len(accepted),
    }


def _local_files(work: Work, commit: str) -> None:
    """Write what DVC shows: metrics for `dvc metrics`, and the round's picture."""
    dataset, number = work.round.dataset, work.round.number
    about = manifest.read(work.lake, commit, dataset, number)
    place = receipts.path(dataset, number, "metrics")
    files.write_json(place, about["metrics"]["summary"])
    shown = picture.of_round(work, commit, work.round.settings.evaluate.examples)
    files.write_atomic(Path("reports") / dataset / str(number) / "grid.png", shown)


def _key(work: Work, curate_key: str) -> str:
    inputs = {
        "seed": work.round.seed,
        "fit": work.round.settings.fit.model_dump(mode="json"),
        "curate": curate_key,
    }
    return keys.input_key(
        "evaluate", settings=work.round.settings.evaluate, code=CODE, inputs=inputs
    )


if __name__ == "__main__":
    runner.run_stage(main, "supersede")
