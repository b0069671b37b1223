"""All figures of a round: its samples, the mix that the next generator would learn, its worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from expectations.measures import features
from pipelines.common.errors import DataError
from pipelines.common.seeds import derive_seed
from pipelines.metrics import downstream, shape, tasks
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.tasks import Task
from pipelines.metrics.values import Metric, finite

MIN_ROWS: Final = 2
"""Fewer rows have no variance."""


class Settings(Protocol):
    """How carefully to measure."""

    @property
    def null_draws(self) -> int:
        """Random real subsets that make the null."""

    @property
    def bootstrap(self) -> int:
        """Resamples for an interval."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a round."""

    n: int
    """Rows of each set that the shape figures use."""
    features: str
    """Digest of the fixed features."""
    round: Mapping[str, Metric]
    """Shape of the round's accepted samples, by figure."""
    mix: Mapping[str, Metric]
    """Shape of the next training mix, by figure."""
    task: str
    """The figure by which mixes are judged: accuracy or macro_f1."""
    scores: Mapping[str, Mapping[str, Metric]]
    """By figure, of classifiers trained on real_only, mix and previous (the mix before this
    round)."""
    difference: Mapping[str, Metric]
    """The judging figure of the mix minus that of real_only and of previous, paired."""
    recall_per_class: Mapping[str, Mapping[Any, float]]
    """Of the classifiers trained on real_only and mix, on validation rows."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; `summary` has the values alone, flat, for tables and plots."""
        return {
            "n": self.n,
            "features": self.features,
            "round": _plain(self.round),
            "mix": _plain(self.mix),
            "task": self.task,
            **{name: _plain(each) for name, each in self.scores.items()},
            "difference": _plain(self.difference),
            "recall_per_class": {
                name: {str(label): finite(value) for label, value in each.items()}
                for name, each in self.recall_per_class.items()
            },
            "summary": self.summary(),
        }

    def summary(self) -> dict[str, float | None]:
        """Values by flat name, such as recall_round, recall_mix, recall_null, accuracy_mix."""
        found: dict[str, float] = {}
        for name, metric in self.round.items():
            found[f"{name}_round"] = metric.value
            found[f"{name}_mix"] = self.mix[name].value
            found[f"{name}_null"] = metric.null
        for figure, scores in self.scores.items():
            found |= {f"{figure}_{name}": metric.value for name, metric in scores.items()}
        found |= {f"difference_{name}": metric.value for name, metric in self.difference.items()}
        return {name: finite(value) for name, value in found.items()}


def evaluate_round(
    *,
    real: Labelled,
    validation: Labelled,
    accepted: Labelled,
    mix: Labelled,
    previous: Labelled,
    settings: Settings,
    seed: int,
    task: Task = tasks.IMAGES,
) -> Evaluation:
    """Measure a round.

    Args:
        real: real training rows; features and null come from them.
        validation: real rows that no generator saw.
        accepted: the round's accepted samples.
        mix: what the next generator would learn from.
        previous: what this round's generator learned from.
        settings: null_draws and bootstrap.
        seed: of subsets and resamples.
        task: what mixes are judged by; where validation rows have one label only, there is nothing
            to tell apart, and its figures are unknown.

    Raises:
        DataError: a set is too small to measure.
    """
    named = {"real": real, "validation": validation, "accepted": accepted, "mix": mix}
    _check_sizes(named)
    n = min(len(each.labels) for each in named.values())
    shapes, digest = _shapes(named, n, settings, seed, task)
    trained = {"real_only": real, "mix": mix, "previous": previous}
    answers = {
        name: Answers(validation.labels, task.learn(each)(validation))
        for name, each in (trained if len(np.unique(validation.labels)) > 1 else {}).items()
    }
    return Evaluation(
        n=n,
        features=digest,
        round=shapes["accepted"],
        mix=shapes["mix"],
        task=task.figure,
        scores=_scores(answers, settings, seed, task),
        difference=_differences(answers, settings, seed, task),
        recall_per_class={
            name: answers[name].recall_per_class()
            for name in ("real_only", "mix")
            if name in answers
        },
    )


def _scores(
    answers: Mapping[str, Answers], settings: Settings, seed: int, task: Task
) -> dict[str, dict[str, Metric]]:
    """Each figure of each classifier; accuracy is always told."""
    figures = {"accuracy": downstream.accuracy}
    if task.figure == "macro_f1":
        figures["macro_f1"] = downstream.macro_f1
    return {
        figure: {
            name: measure(each, settings.bootstrap, derive_seed(seed, "accuracy", name))
            for name, each in answers.items()
        }
        for figure, measure in figures.items()
    }


def _differences(
    answers: Mapping[str, Answers], settings: Settings, seed: int, task: Task
) -> dict[str, Metric]:
    """What the mix gains over the others."""
    gains = {"accuracy": downstream.accuracy_gain, "macro_f1": downstream.macro_f1_gain}
    return {
        name: gains[task.figure](
            answers["mix"],
            answers[name],
            settings.bootstrap,
            derive_seed(seed, "difference", name),
        )
        for name in ("real_only", "previous")
        if name in answers
    }


def _check_sizes(named: Mapping[str, Labelled]) -> None:
    for name, each in named.items():
        if len(each.labels) < MIN_ROWS:
            raise DataError(
                f"{name} has {len(each.labels)} rows; measuring needs {MIN_ROWS} or more"
            )


def _shapes(
    named: Mapping[str, Labelled], n: int, settings: Settings, seed: int, task: Task
) -> tuple[dict[str, Mapping[str, Metric]], str]:
    """Shape figures of the accepted samples and of the mix, and the digest of the features."""
    real, held = named["real"], named["validation"]
    yardstick = shape.Yardstick(
        real.vectors,
        held.vectors[_draw(held, n, derive_seed(seed, "validation"))],
        features.fit(real.vectors),
        n,
    )
    null = shape.null(yardstick, settings.null_draws, derive_seed(seed, "null"))
    found: dict[str, Mapping[str, Metric]] = {}
    for name in ("accepted", "mix"):
        rows = _draw(named[name], n, derive_seed(seed, name))
        again = derive_seed(seed, name, "bootstrap")
        points = named[name].vectors[rows]
        figures = shape.measure(yardstick, points, null, settings.bootstrap, again)
        if task.variety is not None:
            own = derive_seed(seed, name, "variety")
            drawn = named[name].at(rows)
            figures |= task.variety(drawn, real, settings.null_draws, own)
        found[name] = figures
    return found, yardstick.features.digest


def _draw(rows: Labelled, n: int, seed: int) -> NDArray[np.int64]:
    """Draw n row numbers without replacement, by their weights, in order."""
    chances = None if rows.weights is None else rows.weights / rows.weights.sum()
    if chances is not None and np.count_nonzero(chances) < n:
        chances = None
    chosen = np.random.default_rng(seed).choice(len(rows.labels), n, replace=False, p=chances)
    return np.sort(chosen)


def _plain(metrics: Mapping[str, Metric]) -> dict[str, dict[str, float | None]]:
    return {name: metric.to_dict() for name, metric in metrics.items()}
