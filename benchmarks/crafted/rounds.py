"""Take candidates through suite, curation and evaluation, as the stages of a round do.

Every step is the stages' own function; only the lake between them is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks import digits
from benchmarks.crafted.world import CraftedWorld, Rows
from benchmarks.digits import DATASET, ROOT
from expectations import suite as suites
from expectations.suite import Suite
from lineage import curation, record, schema, training_mix
from lineage.evidence import Evidence
from lineage.identity import sample_ids
from lineage.training_mix import Mix
from pipelines import metrics
from pipelines.common.seeds import derive_seed
from pipelines.features import images
from pipelines.gate import contamination
from pipelines.metrics import Configured
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.metrics.round import MIN_ROWS
from pipelines.modalities import Modality
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import judging
from pipelines.verification.judging import Scored

ROUND: Final = 1
SHAPE: Final = (8, 8)
SAMPLE: Final = ("round", "row", "sample_id", "image", "label")


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """What came of a round: the guard's evidence, and the mix of the next generator."""

    stopped: str
    """Why the suite stops the round as a whole; empty where it does not."""
    counts: dict[str, int]
    accepted: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Numbers of the accepted candidates."""
    evidence: Evidence | None = None
    mix: pl.DataFrame | None = None
    """None where nothing could be judged."""


def evaluated(world: CraftedWorld, made: Rows, regime: str) -> Published:
    """Verify candidates, curate them, and measure the round."""
    frame = _frame(made, world.seed)
    verdicts = _verdicts(world, frame)
    stopping = curation.stopping(verdicts)
    if not stopping.is_empty():
        return Published(", ".join(stopping["expectation"].unique().sort()), {})
    before = world.real.select(pl.lit(DATASET).alias("dataset"), "round", "row", "sample_id")
    rows = frame.select("round", "row", "sample_id")
    decisions = curation.decide(rows, verdicts, before, dataset=DATASET)
    kept = decisions.filter(pl.col("decision") == "accepted").select("round", "row")
    accepted = frame.join(kept, on=["round", "row"], how="semi").select(SAMPLE)
    counts = _counts(decisions)
    if len(accepted) < MIN_ROWS:
        return Published("no candidate is accepted", counts)
    lineage, mix = _mix(world, frame, kept, regime)
    trained = pl.concat([world.real.select(SAMPLE), accepted]).join(
        mix.rows, on=["round", "row"], how="inner"
    )
    figures = _measure(world, accepted, trained)
    evidence = _evidence(world, accepted, (lineage, mix, counts, figures, verdicts))
    return Published("", counts, accepted["row"].to_numpy(), evidence, trained)


def _frame(made: Rows, seed: int) -> pl.DataFrame:
    pixels = images.encode_lenient(made.pixels.reshape(-1, *SHAPE))
    frame = pl.DataFrame({"image": pixels, "label": made.labels})
    return frame.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.lit(ROUND, pl.Int32).alias("round"),
        pl.lit(seed, pl.Int64).alias("seed"),
        pl.lit(0, pl.Int32).alias("shard"),
        sample_ids(frame, ["image"]).alias("sample_id"),
    )


def versions(modality: Modality) -> dict[str, str]:
    """Versions of what scores and measures rounds, by kind and name."""
    tasks = TASKS.versions([modality.task, modality.second_task])
    return METRICS.versions((*modality.metrics, *modality.guard_metrics)) | tasks


@cache
def suite() -> Suite:
    """Load the shipped suite of the digits."""
    return suites.load(ROOT / suites.place(DATASET))


def _verdicts(world: CraftedWorld, frame: pl.DataFrame) -> pl.DataFrame:
    given = Given(
        real=world.real,
        earlier=world.real.clear(),
        held_out=None,
        seed=derive_seed(world.seed, DATASET, ROUND, "verify"),
        content=(),
    )
    shown = world.settings.modality.shown(frame.select("round", "row", "image", "label"))
    scored = Scored(shown, scoring.score_all(world.settings.verify.scorers, shown, given))
    return judging.judge(suite(), scored, None).verdicts


def _counts(decisions: pl.DataFrame) -> dict[str, int]:
    counted = dict(decisions.group_by("decision").len().iter_rows())
    counts = {name: counted.get(name, 0) for name in schema.OUTCOMES}
    return {"candidates": len(decisions), **counts}


def _mix(
    world: CraftedWorld, frame: pl.DataFrame, kept: pl.DataFrame, regime: str
) -> tuple[pl.DataFrame, Mix]:
    """Record the lineage of the accepted rows, and compose the next mix."""
    real = record.real(world.lineage)
    before = training_mix.build(real, dataset=DATASET, commit="", regime="accumulate")
    rows = record.derive(
        frame.select("row", "sample_id", "seed", "shard"),
        round_number=ROUND,
        dataset=DATASET,
        generator="crafted",
        attribution="mix/1",
        mix=before.manifest,
    ).join(kept, on=["round", "row"], how="semi")
    mix = training_mix.build(pl.concat([real, rows]), dataset=DATASET, commit="", regime=regime)
    return rows, mix


def _measure(world: CraftedWorld, accepted: pl.DataFrame, mix: pl.DataFrame) -> dict[str, Any]:
    """Measure the round as the stage `evaluate` does."""
    modality = world.settings.modality
    frames = {
        "real": world.real,
        "validation": world.validation,
        "accepted": accepted,
        "mix": mix,
        "previous": world.real,
    }
    measured = modality.measured(world.real, frames)
    evaluation = metrics.evaluate_round(
        real=measured["real"],
        validation=measured["validation"],
        accepted=measured["accepted"],
        mix=measured["mix"],
        previous=measured["previous"],
        task=Configured(TASKS.load(modality.task)),
        second=digits.second_task(),
        metrics=digits.metrics(),
        settings=world.settings.evaluate,
        seed=derive_seed(world.seed, DATASET, ROUND, "evaluate"),
    )
    return evaluation.to_dict()


def _evidence(
    world: CraftedWorld,
    accepted: pl.DataFrame,
    parts: tuple[pl.DataFrame, Mix, dict[str, int], dict[str, Any], pl.DataFrame],
) -> Evidence:
    lineage, mix, counts, figures, verdicts = parts
    near, modality = world.settings.ingest.near, world.settings.modality
    return Evidence(
        dataset=DATASET,
        round=ROUND,
        lineage=lineage,
        mix=mix.manifest,
        counts=counts,
        copies=contamination.near_duplicates(accepted, world.real, near, modality),
        leaks=contamination.near_duplicates(accepted, world.held_out, near, modality),
        metrics=figures,
        warned=accepted.join(curation.warned(verdicts), on=["round", "row"], how="semi"),
    )
