"""All figures of a round: its samples, the mix that the next generator would learn, its worth."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from expectations.measures import features
from pipelines.common.errors import DataError
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.metrics import closeness, likelihood, task_figures, tasks
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import (
    CANDIDATES,
    NEXT_MIX,
    TRAINED_ON,
    MetricRequest,
    RoundMetric,
    Task,
)
from pipelines.metrics.shape import Shape
from pipelines.metrics.values import Metric, as_json, finite

Kind_co = TypeVar("Kind_co", covariant=True)
MIN_ROWS: Final = 2
"""Fewer rows have no variance."""
REAL: Final = "the rows of this round are real, and are not measured against real rows"
"""Why figures of a round of real data itself are not applicable."""
ONE_LABEL: Final = "the real rows have no labels, or a single one, so none can be told apart"
"""Why figures of a classifier are not applicable."""


@dataclass(frozen=True, slots=True)
class Configured(Generic[Kind_co]):
    """A plug-in with its settings."""

    plugin: Kind_co
    settings: StrictModel = field(default_factory=NoSettings)
    """Its own; where none are given, its defaults."""

    def __post_init__(self) -> None:
        """Take the defaults of the plug-in where no settings are given."""
        if isinstance(self.settings, NoSettings):
            object.__setattr__(self, "settings", getattr(self.plugin, "Settings", NoSettings)())


IMAGES: Final = Configured(tasks.ImageLabels())
SHAPE: Final = Configured(Shape())


class Settings(Protocol):
    """Settings of a measurement."""

    @property
    def null_draws(self) -> int:
        """Random real subsets that form the null."""

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
    """The figure by which mixes are judged, such as accuracy or macro_f1."""
    scores: Mapping[str, Mapping[str, Metric]]
    """By figure, of classifiers trained on real_only, mix and previous (the mix before this
    round)."""
    difference: Mapping[str, Metric]
    """The judging figure of the mix minus that of real_only and of previous, paired."""
    recall_per_class: Mapping[str, Mapping[Any, float]]
    """Of the classifiers trained on real_only and mix, on validation rows."""
    embedder: str = ""
    """The network whose points the shape figures are of, as settings name it; empty: none."""
    second: Mapping[str, Any] = field(default_factory=dict)
    """The same of a second family of models: its `task`, the figure of that name, and `difference`;
    `pooled` is the difference on average over both. Empty where there is none."""
    likelihood: Mapping[str, Any] = field(default_factory=dict)
    """Probability of right labels by the models of the task, as `likelihood.section`; empty where
    they give none."""
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Why the data cannot have a section of the figures, such as accuracy or difference."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON; `summary` holds the values alone, flat."""
        return {
            "n": self.n,
            "features": self.features,
            **({"embedder": self.embedder} if self.embedder else {}),
            "round": as_json(self.round),
            "mix": as_json(self.mix),
            "task": self.task,
            **{name: as_json(each) for name, each in self.scores.items()},
            "difference": as_json(self.difference),
            "recall_per_class": {
                name: {str(label): finite(value) for label, value in each.items()}
                for name, each in self.recall_per_class.items()
            },
            **({"second": as_json(self.second)} if self.second else {}),
            **self._probabilities(),
            "summary": self.summary(),
            **({"not_applicable": dict(self.not_applicable)} if self.not_applicable else {}),
        }

    def _probabilities(self) -> dict[str, Any]:
        """The section `likelihood`, beside a figure of this name where a task has one."""
        if not self.likelihood:
            return {}
        return {"likelihood": as_json({**self.scores.get("likelihood", {}), **self.likelihood})}

    def summary(self) -> dict[str, float | None]:
        """Values by flat name, such as recall_round, recall_mix, recall_null, accuracy_mix."""
        values: dict[str, float] = {}
        for name in {**self.mix, **self.round}:
            metric = self.mix.get(name) or self.round[name]
            values[f"{name}_round"] = self.round[name].value if name in self.round else math.nan
            if name in self.mix:
                values[f"{name}_mix"] = self.mix[name].value
            values[f"{name}_null"] = metric.null
        for figure, scores in self.scores.items():
            values |= {f"{figure}_{name}": metric.value for name, metric in scores.items()}
        values |= {f"difference_{name}": metric.value for name, metric in self.difference.items()}
        for name, metric in self.second.get("difference", {}).items():
            values[f"second_difference_{name}"] = metric.value
        for name, metric in self.likelihood.get("difference", {}).items():
            values[f"likelihood_difference_{name}"] = metric.value
        return {name: finite(value) for name, value in values.items()}


def evaluate_round(
    *,
    real: Labelled,
    validation: Labelled,
    accepted: Labelled,
    mix: Labelled,
    previous: Labelled,
    candidates: Labelled | None = None,
    confidence: Mapping[str, NDArray[np.float64]] | None = None,
    settings: Settings,
    seed: int,
    task: Configured[Task[Any]] = IMAGES,
    unlabelled: Configured[Task[Any]] | None = None,
    second: Configured[Task[Any]] | None = None,
    metrics: Sequence[Configured[RoundMetric[Any]]] = (SHAPE,),
    real_round: bool = False,
    learned_from_previous: bool = True,
) -> Evaluation:
    """Measure a round.

    Args:
        real: real training rows; features and null come from them.
        validation: real rows that no generator saw.
        accepted: the round's accepted samples.
        mix: what the next generator would learn from.
        previous: the mix that it is compared with, which this round's generator learned from.
        candidates: the round's candidates that can be read, for metrics that compare with them.
        confidence: of the suite's classifier in accepted and validation rows, for metrics that
            read it.
        settings: null_draws and bootstrap.
        seed: of subsets and resamples.
        task: what mixes are judged by.
        unlabelled: what takes its place where it predicts labels, and real rows have no two; None:
            figures of a task are not applicable then.
        second: what mixes are judged by besides, by models of another family.
        metrics: what measures the round and the mix.
        real_round: whether the accepted samples are real; the mix alone is measured then.
        learned_from_previous: whether the generator learned from `previous`; if not, metrics that
            compare with what it learned from have no figure.

    Raises:
        DataError: a set is too small to measure.
    """
    named = {"real": real, "validation": validation, "mix": mix}
    if not real_round:
        named["accepted"] = accepted
    _check_sizes(named)
    n = min(len(each.labels) for each in named.values())
    request = _request(named, n, settings, seed)
    trained_on = previous if learned_from_previous else None
    also = {CANDIDATES: candidates, TRAINED_ON: trained_on, NEXT_MIX: mix}
    read = {name for each in metrics for name in each.plugin.reads}
    whole = {name: rows for name, rows in also.items() if name in read and rows is not None}
    request = replace(request, whole={**request.whole, **whole}, confidence=confidence or {})
    measured = _measured(request, metrics)
    missing = {
        name: reason
        for each in metrics
        for name, reason in each.plugin.not_applicable(request).items()
    }
    trained = {"real_only": real, "mix": mix, "previous": previous}
    chosen, not_applicable = _chosen(task, unlabelled, validation)
    if not closeness.has_classes(real):
        not_applicable |= {"second": closeness.NO_CLASSES}
    plugin = chosen.plugin
    judged = {} if "difference" in not_applicable else trained
    answers = task_figures.answers(plugin, chosen.settings, judged, validation)
    return Evaluation(
        n=n,
        features=_features_digest(request),
        embedder=real.embedder,
        round=measured.get("accepted", {}),
        mix=measured["mix"],
        task=plugin.figure,
        scores=task_figures.scores(answers, settings, seed, plugin),
        difference=task_figures.differences(answers, settings, seed, plugin),
        recall_per_class={
            name: answers[name].recall_per_class()
            for name in ("real_only", "mix")
            if name in answers and plugin.classifies
        },
        second={}
        if second is None
        else task_figures.section(
            second.plugin,
            second.settings,
            trained,
            validation,
            first=task_figures.Family(plugin, answers),
            settings=settings,
            seed=derive_seed(seed, "second"),
        ),
        likelihood=likelihood.section(answers, settings, derive_seed(seed, "likelihood")),
        not_applicable={**not_applicable, "round": REAL}
        if real_round
        else {**not_applicable, **missing},
    )


def _chosen(
    task: Configured[Task[Any]], unlabelled: Configured[Task[Any]] | None, validation: Labelled
) -> tuple[Configured[Task[Any]], dict[str, str]]:
    """Choose the task by the labels that there are; with sections that are not applicable."""
    if not task.plugin.classifies or len(np.unique(validation.labels)) > 1:
        return task, {}
    figures = ("accuracy", task.plugin.figure, "recall_per_class")
    if unlabelled is not None:
        return unlabelled, dict.fromkeys(figures, ONE_LABEL)
    return task, dict.fromkeys((*figures, "difference"), ONE_LABEL)


def _check_sizes(named: Mapping[str, Labelled]) -> None:
    for name, each in named.items():
        if len(each.labels) < MIN_ROWS:
            raise DataError(
                f"{name} has {len(each.labels)} rows; measuring needs {MIN_ROWS} or more"
            )


def _request(named: Mapping[str, Labelled], n: int, settings: Settings, seed: int) -> MetricRequest:
    """N rows of each set, and the real rows that they are measured beside."""

    def drawn(name: str) -> Labelled:
        return named[name].at(_draw(named[name], n, derive_seed(seed, name)))

    return MetricRequest(
        real=named["real"],
        validation=drawn("validation"),
        sets={name: drawn(name) for name in ("accepted", "mix") if name in named},
        features=features.fit(named["real"].vectors),
        null_draws=settings.null_draws,
        bootstrap=settings.bootstrap,
        seed=seed,
        whole={name: named[name] for name in ("accepted", "validation") if name in named},
    )


def _features_digest(request: MetricRequest) -> str:
    """Digest the fixed features: the projection, and the network below it where there is one."""
    network, projection = request.real.features, request.features.digest
    if not network:
        return projection
    return hashlib.sha256(f"{network} {projection}".encode()).hexdigest()


def _measured(
    request: MetricRequest, metrics: Sequence[Configured[RoundMetric[Any]]]
) -> dict[str, dict[str, Metric]]:
    """Compute the figures of each set.

    Raises:
        DataError: a metric gives other figures for one set than for another, or one that there is
            already.
    """
    measured: dict[str, dict[str, Metric]] = {name: {} for name in request.sets}
    for configured in metrics:
        sets = [name for name in configured.plugin.sets if name in request.sets]
        if not sets:
            continue
        figures = configured.plugin.measure(request, configured.settings)
        names = {tuple(sorted(figures.get(name, ()))) for name in sets}
        given = {each for group in names for each in group}
        repeated = given & {each for name in sets for each in measured[name]}
        if len(names) != 1 or repeated:
            problem = (
                f"{min(repeated)!r} again" if repeated else "other figures for one set than another"
            )
            raise DataError(f"the metric {configured.plugin.name} gives {problem}")
        for name in sets:
            measured[name] |= figures[name]
    return measured


def _draw(rows: Labelled, n: int, seed: int) -> NDArray[np.int64]:
    """Draw n row numbers without replacement, by their weights, in order."""
    chances = None if rows.weights is None else rows.weights / rows.weights.sum()
    if chances is not None and np.count_nonzero(chances) < n:
        chances = None
    chosen = np.random.default_rng(seed).choice(len(rows.labels), n, replace=False, p=chances)
    return np.sort(chosen)
