"""Measures a kept round by some metrics of now, and keeps the rest of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from benchmarks.crafted import remembered, rounds
from lineage.evidence import Evidence
from pipelines import metrics
from pipelines.common.seeds import derive_seed
from pipelines.metrics import Configured
from pipelines.metrics.registry import METRICS

DOWNSTREAM: Final = "downstream"
"""Stands for tasks among names of metrics."""
OF_METRICS: Final = ("n", "features", "embedder", "round", "mix", "summary")
"""Parts of an evaluation that metrics make; the others are of tasks."""


def measured(
    world: rounds.World, payload: pl.DataFrame, evidence: Evidence, names: Sequence[str]
) -> Evidence:
    """Measure a round of which evidence was kept by some metrics of now, and keep the rest of it.

    Args:
        world: the real rows.
        payload: content and labels of the candidates, as they were.
        evidence: what was kept; its lineage says which candidates were accepted.
        names: metrics that measure accepted rows alone; `DOWNSTREAM` stands for what mixes are
            worth to models.
    """
    rows = rounds.framed(world, payload)
    kept = evidence.lineage.select("round", "row")
    accepted = rows.join(kept, on=["round", "row"], how="semi").select(
        *rounds.KEY, *payload.columns
    )
    measures = tuple(name for name in names if name != DOWNSTREAM)
    figures = dict(evidence.metrics)
    if measures:
        found = _accepted_again(world, accepted, measures)
        figures |= {"round": {**figures["round"], **found["round"]}}
    if DOWNSTREAM in names:
        regime = evidence.mix.regime
        trained = rounds.trained_on(
            world, accepted, rounds.compose(world, evidence.lineage, regime)
        )
        found = rounds.measure(world, accepted, trained, ())
        figures |= {name: each for name, each in found.items() if name not in OF_METRICS}
    return replace(evidence, metrics=figures)


def _accepted_again(
    world: rounds.World, accepted: pl.DataFrame, names: Sequence[str]
) -> Mapping[str, Any]:
    modality = world.settings.modality
    frames = {"real": world.real, "validation": world.validation, "accepted": accepted}
    measured = remembered.measured(modality, world.real, frames)
    return metrics.evaluate_round(
        real=measured["real"],
        validation=measured["validation"],
        accepted=measured["accepted"],
        mix=measured["real"],
        previous=measured["real"],
        task=rounds.task_of("nearest_labels"),
        metrics=[Configured(METRICS.load(name)) for name in names],
        settings=world.settings.evaluate,
        seed=derive_seed(world.seed, world.dataset, rounds.ROUND, "evaluate"),
    ).to_dict()
