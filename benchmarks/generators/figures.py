"""The figures of a generator on a split, all by the project's own suite, metrics and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import polars as pl

from benchmarks.crafted import remembered, rounds
from benchmarks.crafted.remembered import Remembered
from benchmarks.generators.making import Made
from benchmarks.generators.worlds import Split
from pipelines import metrics
from pipelines.common.seeds import derive_seed
from pipelines.gate import contamination
from pipelines.metrics import Configured, Labelled
from pipelines.metrics.protocol import Task
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.metrics.round import MIN_ROWS, Evaluation
from pipelines.metrics.values import Metric, finite

ALONE: Final = "alone"
ADDED: Final = "added"
MEASURED: Final = ("shape", "neighbours", "table_neighbours", "text_neighbours", "table_fidelity")
"""Metrics that say how rows are like real ones."""

FEW: Final = {"null_draws": 2, "bootstrap": 100}
"""Draws and resamples: other seeds and real rows that nobody saw say more, and these take most of
the time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of the candidates of a generator."""

    made: int
    """Candidates that there are; fewer than asked for where some could not be made."""
    unreadable: int
    """Candidates that are no sample at all, and are measured no further."""
    accepted: int
    """Candidates that suite and curation leave."""
    stopped: str
    """Why the suite would stop the round as a whole, such as a class without rows; empty where it
    would not. Rows are decided on by themselves all the same."""
    near_copies: float
    """Share of the candidates within the distance of near-duplicates of a training row."""
    shape: Mapping[str, Mapping[str, float | None]]
    """Of all candidates, by figure: value, its interval, and the null."""
    task: str
    """The figure of the downstream scores."""
    scores: Mapping[str, float | None]
    """Trained on real rows alone (`real_only`), on accepted rows alone, and on both."""
    gain: Mapping[str, float | None] = field(default_factory=dict)
    """What adding the accepted rows gains over real rows alone: value, low and high, paired."""
    refused_by: Mapping[str, int] = field(default_factory=dict)
    """Candidates that critical expectations refuse, by expectation; one may be refused by several.
    """
    n: int = 0
    """Rows of each set that the shape is measured on."""


def measure(split: Split, made: Made) -> Figures:
    """Judge and measure candidates.

    Args:
        split: the real rows.
        made: the candidates.
    """
    world, modality = split.world, split.world.settings.modality
    judged = rounds.decided(world, made.rows)
    kept = judged.decisions.filter(pl.col("decision") == "accepted")
    accepted = judged.frame.join(kept, on=["round", "row"], how="semi")
    readable = judged.frame.filter(modality.readable(judged.frame, world.real))
    copies = contamination.near_duplicates(
        readable, world.real, world.settings.ingest.near, modality
    )
    evaluation = _evaluated(split, readable, accepted)
    learnt = _trainable(accepted, modality.answer)
    scores = evaluation.scores[evaluation.task]
    shown = {"real_only": scores["real_only"].value, ALONE: None, ADDED: None}
    if learnt:
        shown |= {ALONE: scores["previous"].value, ADDED: scores["mix"].value}
    return Figures(
        made=len(made.rows),
        unreadable=len(made.rows) - len(readable),
        accepted=len(accepted),
        stopped=judged.stopped,
        near_copies=copies["row"].n_unique() / len(made.rows),
        shape={name: each.to_dict() for name, each in evaluation.round.items()},
        task=evaluation.task,
        scores={name: None if value is None else finite(value) for name, value in shown.items()},
        gain=_plain(evaluation.difference["real_only"]) if learnt else {},
        refused_by=_refused(judged.verdicts),
        n=evaluation.n,
    )


def names(split: Split) -> list[str]:
    """Names of the metrics that measure a data set."""
    modality = split.world.settings.modality
    own = (*modality.metrics, *modality.guard_metrics)
    return [name for name in own if name in MEASURED]


def _evaluated(split: Split, readable: pl.DataFrame, accepted: pl.DataFrame) -> Evaluation:
    """Measure as the stage `evaluate` does, on test rows that neither suite nor generator saw.

    All candidates are the round, whose shape is measured; accepted ones are what models learn from:
    alone (the set `previous`), and with the real rows (`mix`).
    """
    world, modality = split.world, split.world.settings.modality
    real, own = world.real.select(split.payload), accepted.select(split.payload)
    enough = _trainable(own, modality.answer)
    frames = {
        "real": real,
        "validation": split.test,
        "accepted": readable.select(split.payload),
        "mix": pl.concat([real, own]),
        "previous": own if enough else real,
    }
    sets: Mapping[str, Labelled] = remembered.measured(modality, real, frames)
    task = cast("Task[Any]", Remembered(TASKS.load(modality.task)))
    return metrics.evaluate_round(
        real=sets["real"],
        validation=sets["validation"],
        accepted=sets["accepted"],
        mix=sets["mix"],
        previous=sets["previous"],
        task=Configured(task),
        metrics=[Configured(METRICS.load(name)) for name in names(split)],
        settings=world.settings.evaluate.model_copy(update=FEW),
        seed=derive_seed(world.seed, world.dataset, "generators"),
    )


def _trainable(rows: pl.DataFrame, answer: str) -> bool:
    """Whether a model can learn from rows: there are two, of two different answers."""
    return len(rows) >= MIN_ROWS and rows[answer].n_unique() > 1


def _refused(verdicts: pl.DataFrame) -> dict[str, int]:
    bad = verdicts.filter(
        (pl.col("severity") == "critical")
        & (pl.col("verdict") != "passed")
        & pl.col("row").is_not_null()
    )
    counted = bad.group_by("expectation").agg(pl.col("row").n_unique().alias("rows"))
    found = counted.sort(["rows", "expectation"], descending=[True, False])
    return dict(found.iter_rows())


def _plain(metric: Metric) -> dict[str, float | None]:
    return {name: finite(getattr(metric, name)) for name in ("value", "low", "high")}
