"""The figures of a round's samples and mix, by the tasks and metrics that its settings name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.client import Lake
from pipelines import metrics
from pipelines.common import console
from pipelines.common.seeds import derive_seed
from pipelines.metrics.protocol import CANDIDATES
from pipelines.metrics.round import Evaluation
from pipelines.params import Round
from pipelines.rounds import measured_rows, plugin_inputs
from pipelines.rounds.arrivals import source_states


def of_frames(
    round_: Round,
    frames: Mapping[str, pl.DataFrame],
    confidence: Mapping[str, NDArray[np.float64]] | None = None,
    *,
    learned_from_previous: bool = True,
) -> Evaluation:
    """Measure samples, mix and mix before, as `pipelines.metrics.evaluate_round` does.

    Args:
        round_: the round whose settings say how.
        frames: payload, by name: `real`, real training rows; `validation`, real rows that no
            generator saw; `accepted`, the round's samples; `mix`, what the next generator would
            learn from; `previous`, the mix that it is compared with; maybe `candidates`, as
            `read_candidates` gives them.
        confidence: of the suite's classifier, for metrics that read it; None: it is not known.
        learned_from_previous: whether the round's generator learned from `previous`.

    Raises:
        DataError: a set is too small to measure.
    """
    return metrics.evaluate_round(
        **round_.settings.modality.measured(frames["real"], frames),
        task=plugin_inputs.task(round_),
        unlabelled=plugin_inputs.unlabelled_task(round_),
        second=plugin_inputs.second_task(round_),
        confidence=confidence,
        metrics=list(plugin_inputs.metrics(round_).values()),
        settings=round_.settings.evaluate,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "evaluate"),
        real_round=source_states.is_real(round_),
        learned_from_previous=learned_from_previous,
    )


def read_candidates(
    lake: Lake, ref: str, round_: Round, real: pl.DataFrame, most: int | None = None
) -> dict[str, pl.DataFrame]:
    """Read the candidates of a round, if one of its metrics compares with them.

    Args:
        lake: the lake.
        ref: where its candidates are, which no later commit of the round has.
        round_: the round.
        real: real rows; candidates that cannot be read as such are left out.
        most: candidates that are drawn; None: all.

    Returns:
        `candidates`, their payload; nothing where no metric asks for it, and where the rows of the
        round are real.
    """
    wanted = {name for each in plugin_inputs.metrics(round_).values() for name in each.plugin.reads}
    if CANDIDATES not in wanted or source_states.is_real(round_):
        return {}
    rows, _ = measured_rows.read(lake, ref, round_, CANDIDATES, most)
    found = rows.filter(round_.settings.modality.readable(rows, real))
    if len(found) < len(rows):
        unread = f"{len(rows) - len(found):,} of {len(rows):,} candidates cannot be read"
        console.line(f"evaluate: {unread}; no metric compares with them")
    return {CANDIDATES: found}
