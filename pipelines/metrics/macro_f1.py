"""A downstream task that is judged by macro-F1: F1 of each class, averaged over the classes."""

from __future__ import annotations

from typing import ClassVar, Protocol, TypeVar

from pipelines.common.settings import StrictModel
from pipelines.metrics import downstream
from pipelines.metrics.downstream import Answers
from pipelines.metrics.protocol import Task
from pipelines.metrics.values import Metric

Own = TypeVar("Own", bound=StrictModel)


class MacroF1Task(Task[Own], Protocol[Own]):
    """Predicts labels, and is judged by macro-F1."""

    figure: ClassVar[str] = "macro_f1"

    def score(self, answers: Answers, resamples: int, seed: int) -> Metric:
        """Compute F1 of each class, averaged over the classes."""
        return downstream.macro_f1(answers, resamples, seed)

    def gain(self, answers: Answers, over: Answers, resamples: int, seed: int) -> Metric:
        """Compute the paired difference of macro-F1."""
        return downstream.macro_f1_gain(answers, over, resamples, seed)
