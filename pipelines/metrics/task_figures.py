"""Figures of downstream tasks: what each mix is worth to the models of a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.metrics import downstream
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.protocol import Task
from pipelines.metrics.values import Metric


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
    """Train on each mix, and predict the validation rows."""
    return {
        name: Answers(validation.labels, plugin.train(each, settings)(validation))
        for name, each in trained.items()
    }


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


def section(
    plugin: Task[Any],
    own: StrictModel,
    trained: Mapping[str, Labelled],
    validation: Labelled,
    *,
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    """Judge mixes by a second family of models.

    Returns:
        `task`, the figure of that name, and `difference`. Nothing where there are no two labels, or
        where rows have no style: the guard's limits were found on such rows.
    """
    if len(np.unique(validation.labels)) < 2 or not len(validation.neutral):  # noqa: PLR2004
        return {}
    given = answers(plugin, own, trained, validation)
    return {
        "task": plugin.figure,
        **scores(given, settings, seed, plugin),
        "difference": differences(given, settings, seed, plugin),
    }
