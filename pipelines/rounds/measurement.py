"""The figures of a round's samples and mix, by the tasks and metrics that its settings name."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines import metrics
from pipelines.common.seeds import derive_seed
from pipelines.metrics.round import Evaluation
from pipelines.params import Round
from pipelines.rounds import plugin_inputs
from pipelines.rounds.arrivals import source_states


def of_frames(round_: Round, frames: Mapping[str, pl.DataFrame]) -> Evaluation:
    """Measure samples, mix and mix before, as `pipelines.metrics.evaluate_round` does.

    Args:
        round_: the round whose settings say how.
        frames: payload, by name: `real`, real training rows; `validation`, real rows that no
            generator saw; `accepted`, the round's samples; `mix`, what the next generator would
            learn from; `previous`, the mix that it is compared with.

    Raises:
        DataError: a set is too small to measure.
    """
    return metrics.evaluate_round(
        **round_.settings.modality.measured(frames["real"], frames),
        task=plugin_inputs.task(round_),
        unlabelled=plugin_inputs.unlabelled_task(round_),
        second=plugin_inputs.second_task(round_),
        metrics=list(plugin_inputs.metrics(round_).values()),
        settings=round_.settings.evaluate,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "evaluate"),
        real_round=source_states.is_real(round_),
    )
