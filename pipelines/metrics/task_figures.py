"""Figures of downstream tasks: what each mix is worth to the models of a family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.metrics import downstream, values
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.protocol import Predict, Task, WithMargins
from pipelines.metrics.values import Metric

ACCURACY: Final = "accuracy"
"""The figure that is a share of rows."""


class Settings(Protocol):
    """Settings of intervals."""

    @property
    def bootstrap(self) -> int:
        """Resamples for an interval."""


def answers(
    plugin: Task[Any],
    settings: StrictModel,
    trained: Mapping[str, Labelled],
    validation: Labelled,
) -> dict[str, Answers]:
    """Train on each mix, and predict the validation rows; equal mixes are trained on once."""
    given: dict[str, Answers] = {}
    for name, rows in trained.items():
        equal = (other for other in given if _are_equal(trained[other], rows))
        other = next(equal, None)
        given[name] = (
            _answers(plugin.train(rows, settings), validation) if other is None else given[other]
        )
    return given


def _are_equal(left: Labelled, right: Labelled) -> bool:
    """Tell whether two mixes hold the same rows in the same order, so that models are the same."""
    if len(left.labels) != len(right.labels):
        return False
    names = ("labels", "weights", "inputs", "vectors")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


def _answers(predict: Predict | WithMargins, validation: Labelled) -> Answers:
    if not isinstance(predict, WithMargins):
        return Answers(validation.labels, predict(validation))
    margins, classes = predict.margins(validation), predict.classes
    return Answers(validation.labels, classes[margins.argmax(axis=1)], margins, classes)


def scores(
    given: Mapping[str, Answers], settings: Settings, seed: int, task: Task[Any]
) -> dict[str, dict[str, Metric]]:
    """Compute each figure of each mix; accuracy of all tasks that predict labels."""
    accuracy = {"accuracy": downstream.accuracy} if task.classifies else {}
    figures = {**accuracy, task.figure: task.score}
    return {
        figure: {
            name: measure(each, settings.bootstrap, derive_seed(seed, "accuracy", name))
            for name, each in given.items()
        }
        for figure, measure in figures.items()
    }


def differences(
    given: Mapping[str, Answers], settings: Settings, seed: int, task: Task[Any]
) -> dict[str, Metric]:
    """Compute what the mix gains over the others."""
    return {
        name: task.gain(
            given["mix"],
            given[name],
            settings.bootstrap,
            derive_seed(seed, "difference", name),
        )
        for name in ("real_only", "previous")
        if name in given
    }


@dataclass(frozen=True, slots=True)
class Family:
    """A task, and the answers of its models by the mix that they were trained on."""

    task: Task[Any]
    answers: Mapping[str, Answers]


def section(
    plugin: Task[Any],
    own: StrictModel,
    trained: Mapping[str, Labelled],
    validation: Labelled,
    *,
    first: Family,
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    """Judge mixes by a second family of models, by itself and together with the first.

    Returns:
        `task`, the figure of that name, `difference`, and `pooled`: the same difference, where a
        row counts by the mean of both families. Two families err on other rows, so their mean shows
        a loss that either alone leaves to chance; not where one of them scores no single rows.
        Both families are judged by the first one's figure, since limits are about that: accuracy
        falls where a rare class is learnt better, and F1 of each class does not. Nothing where
        there are no two labels.
    """
    if len(np.unique(validation.labels)) < 2:  # noqa: PLR2004
        return {}
    second = Family(plugin, answers(plugin, own, trained, validation))
    both = pooled(first, second, settings, derive_seed(seed, "pooled"))
    judge = first.task if first.task.classifies else plugin
    return {
        "task": judge.figure,
        **scores(second.answers, settings, seed, judge),
        "difference": differences(second.answers, settings, seed, judge),
        **({"pooled": both} if both else {}),
    }


def pooled(first: Family, second: Family, settings: Settings, seed: int) -> dict[str, Metric]:
    """Compute what the mix gains over the others, on average over two families, row by row.

    The interval is by the bootstrap over validation rows, paired: each row keeps its answers of
    both families and both mixes.

    Returns:
        By mix that is compared with; nothing where the families are not judged by the same share
        of rows.
    """
    families = (first, second)
    if {each.task.figure for each in families} != {ACCURACY}:
        return {}
    scored = {
        name: np.mean([each.task.row_scores(each.answers[name]) for each in families], axis=0)
        for name in first.answers
        if name in second.answers
    }
    return {
        name: Metric(
            *values.of_means(scored["mix"] - scored[name], settings.bootstrap, seed),
        )
        for name in ("real_only", "previous")
        if name in scored
    }
