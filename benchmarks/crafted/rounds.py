"""Take candidates through suite, curation and evaluation, as the stages of a round do.

Every step is the stages' own function; only the lake between them is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted import remembered, trained_once
from benchmarks.crafted.remembered import Remembered
from benchmarks.crafted.world import Rows
from expectations.suite import Suite
from lineage import curation, record, schema, training_mix
from lineage.evidence import Evidence
from lineage.identity import sample_ids
from lineage.training_mix import Mix
from pipelines import metrics, params
from pipelines.common.seeds import derive_seed
from pipelines.features import images
from pipelines.gate import contamination
from pipelines.metrics import Configured
from pipelines.metrics.protocol import Task
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.metrics.round import MIN_ROWS
from pipelines.modalities import Modality
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import judging
from pipelines.verification.judging import Scored

ROUND: Final = 1
SHAPE: Final = (8, 8)
UNJUDGED: Final = ("table_fidelity", "text_variety")
"""Metrics that no check of the guard reads."""
KEY: Final = ("round", "row", "sample_id")


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


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Candidates as the suite judged them, and what was decided on each."""

    frame: pl.DataFrame
    """round, row, sample_id, payload of the candidates."""
    verdicts: pl.DataFrame
    decisions: pl.DataFrame
    """As `lineage.schema.DECISIONS`, of each row by itself."""
    stopped: str
    """Why the suite stops the round as a whole; empty where it does not."""


class World(Protocol):
    """Real rows of a seed, and how they are judged."""

    @property
    def dataset(self) -> str:
        """The name of the data set."""

    @property
    def seed(self) -> int:
        """The seed of the split."""

    @property
    def settings(self) -> params.Dataset:
        """The settings of the data set."""

    @property
    def suite(self) -> Suite:
        """What candidates must pass."""

    @property
    def real(self) -> pl.DataFrame:
        """Rows that train: round, row, sample_id, payload."""

    @property
    def validation(self) -> pl.DataFrame:
        """Held-out rows that gate."""

    @property
    def held_out(self) -> pl.DataFrame:
        """All held-out rows, with their split."""

    @property
    def lineage(self) -> pl.DataFrame:
        """row, sample_id, source and licence of the rows that train."""


def evaluated(
    world: World, payload: pl.DataFrame, regime: str, parents: pl.DataFrame | None = None
) -> Published:
    """Verify candidates, curate them, and measure the round.

    Args:
        world: the real rows.
        payload: content and labels of the candidates.
        regime: what the next mix holds.
        parents: explicit parents of candidates, as `lineage.edges.PARENT`, all of them real rows.
    """
    judged = decided(world, payload)
    if judged.stopped:
        return Published(judged.stopped, {})
    frame, verdicts, decisions = judged.frame, judged.verdicts, judged.decisions
    sample = [*KEY, *payload.columns]
    kept = decisions.filter(pl.col("decision") == "accepted").select("round", "row")
    accepted = frame.join(kept, on=["round", "row"], how="semi").select(sample)
    counts = _counts(decisions)
    if len(accepted) < MIN_ROWS:
        return Published("no candidate is accepted", counts)
    lineage, mix = _mix(world, frame, kept, regime, parents)
    trained = trained_on(world, accepted, mix)
    figures = measure(world, accepted, trained, judged_metrics(world.settings.modality))
    evidence = _evidence(world, accepted, (lineage, mix, counts, figures, verdicts))
    return Published("", counts, accepted["row"].to_numpy(), evidence, trained)


def decided(world: World, payload: pl.DataFrame) -> Decided:
    """Verify candidates by the suite, and decide which of them stay.

    Args:
        world: the real rows.
        payload: content and labels of the candidates.
    """
    frame = framed(world, payload)
    verdicts = _verdicts(world, frame)
    stopped = ", ".join(curation.stopping(verdicts)["expectation"].unique().sort())
    before = world.real.select(pl.lit(world.dataset).alias("dataset"), "round", "row", "sample_id")
    rows = frame.select("round", "row", "sample_id")
    decisions = curation.decide(rows, verdicts, before, dataset=world.dataset)
    return Decided(frame, verdicts, decisions, stopped)


def payload_of(made: Rows) -> pl.DataFrame:
    """Encode images and labels as the stages have them."""
    pixels = images.encode_lenient(made.pixels.reshape(-1, *SHAPE))
    return pl.DataFrame({"image": pixels, "label": made.labels})


def framed(world: World, payload: pl.DataFrame) -> pl.DataFrame:
    """Number candidates as a stage does, with their ids."""
    return payload.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.lit(ROUND, pl.Int32).alias("round"),
        pl.lit(world.seed, pl.Int64).alias("seed"),
        pl.lit(0, pl.Int32).alias("shard"),
        sample_ids(payload, world.settings.identity).alias("sample_id"),
    )


def versions(modality: Modality) -> dict[str, str]:
    """Versions of what scores and measures rounds, by kind and name."""
    tasks = TASKS.versions([each for each in (modality.task, modality.second_task) if each])
    return METRICS.versions(judged_metrics(modality)) | tasks


def judged_metrics(modality: Modality) -> tuple[str, ...]:
    """Names of the metrics that checks of the guard are about; others take time for nothing."""
    names = (*modality.metrics, *modality.guard_metrics)
    return tuple(name for name in names if name not in UNJUDGED)


def _verdicts(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    modality = world.settings.modality
    given = Given(
        real=modality.shown(world.real),
        earlier=modality.shown(world.real.clear()),
        held_out=modality.shown(world.held_out),
        seed=derive_seed(world.seed, world.dataset, ROUND, "verify"),
        content=tuple(name for name in world.settings.identity if name != modality.answer),
    )
    shown = modality.shown(frame.drop("sample_id", "seed", "shard"))
    with trained_once.classifiers():
        scored = Scored(shown, scoring.score_all(world.settings.verify.scorers, shown, given))
    return judging.judge(world.suite, scored, None).verdicts


def _counts(decisions: pl.DataFrame) -> dict[str, int]:
    counted = dict(decisions.group_by("decision").len().iter_rows())
    counts = {name: counted.get(name, 0) for name in schema.OUTCOMES}
    return {"candidates": len(decisions), **counts}


def _mix(
    world: World,
    frame: pl.DataFrame,
    kept: pl.DataFrame,
    regime: str,
    parents: pl.DataFrame | None,
) -> tuple[pl.DataFrame, Mix]:
    """Record the lineage of the accepted rows, and compose the next mix."""
    real = record.real(world.lineage)
    before = training_mix.build(real, dataset=world.dataset, commit="", regime="accumulate")
    rows = record.derive(
        frame.select("row", "sample_id", "seed", "shard"),
        round_number=ROUND,
        dataset=world.dataset,
        generator="crafted",
        attribution="mix/1",
        mix=before.manifest,
        parents=parents,
        stored=real.with_columns(pl.lit(world.dataset).alias("dataset")),
    ).join(kept, on=["round", "row"], how="semi")
    return rows, compose(world, rows, regime)


def compose(world: World, rows: pl.DataFrame, regime: str) -> Mix:
    """Compose the next mix of the real rows and the lineage of accepted ones."""
    both = pl.concat([record.real(world.lineage), rows])
    return training_mix.build(both, dataset=world.dataset, commit="", regime=regime)


def trained_on(world: World, accepted: pl.DataFrame, mix: Mix) -> pl.DataFrame:
    """Return the samples of a mix, with their weights."""
    samples = pl.concat([world.real.select(accepted.columns), accepted])
    return samples.join(mix.rows, on=["round", "row"], how="inner")


def measure(
    world: World, accepted: pl.DataFrame, mix: pl.DataFrame, names: Sequence[str]
) -> dict[str, Any]:
    """Measure the round by some metrics, as the stage `evaluate` does by all."""
    modality = world.settings.modality
    frames = {
        "real": world.real,
        "validation": world.validation,
        "accepted": accepted,
        "mix": mix,
        "previous": world.real,
    }
    measured = remembered.measured(modality, world.real, frames)
    evaluation = metrics.evaluate_round(
        real=measured["real"],
        validation=measured["validation"],
        accepted=measured["accepted"],
        mix=measured["mix"],
        previous=measured["previous"],
        task=task_of(modality.task),
        second=task_of(modality.second_task) if modality.second_task else None,
        metrics=[Configured(METRICS.load(name)) for name in names],
        settings=world.settings.evaluate,
        seed=derive_seed(world.seed, world.dataset, ROUND, "evaluate"),
    )
    return evaluation.to_dict()


def _near_ancestors(world: World) -> pl.DataFrame:
    """Training rows that are near to held-out rows, whose descendants would leak."""
    near, modality = world.settings.ingest.near, world.settings.modality
    found = contamination.near_duplicates(world.real, world.held_out, near, modality)
    return found.select(pl.lit(world.dataset).alias("dataset"), "round", "row")


def task_of(name: str) -> Configured[Task[Any]]:
    """Load a task that remembers what it trained."""
    return Configured(cast("Task[Any]", Remembered(TASKS.load(name))))


def _evidence(
    world: World,
    accepted: pl.DataFrame,
    parts: tuple[pl.DataFrame, Mix, dict[str, int], dict[str, Any], pl.DataFrame],
) -> Evidence:
    lineage, mix, counts, figures, verdicts = parts
    near, modality = world.settings.ingest.near, world.settings.modality
    return Evidence(
        dataset=world.dataset,
        round=ROUND,
        lineage=lineage,
        mix=mix.manifest,
        counts=counts,
        copies=contamination.near_duplicates(accepted, world.real, near, modality),
        leaks=contamination.near_duplicates(accepted, world.held_out, near, modality),
        earlier_leaks=(0, 0),
        metrics=figures,
        held_out_ancestors=_near_ancestors(world),
        warned=curation.warned(verdicts, accepted),
    )
