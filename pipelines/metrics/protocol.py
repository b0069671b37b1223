"""What metrics of a round and downstream tasks are: one class behind a protocol each.

A metric measures sets of rows beside real ones; a task trains on a mix and is scored on real rows
that no generator saw. Both give figures with an interval (`values.Metric`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

import numpy as np
from numpy.typing import NDArray

from pipelines.common.plugins import Plugin
from pipelines.common.settings import StrictModel
from pipelines.metrics import values
from pipelines.metrics.values import Metric

if TYPE_CHECKING:
    from expectations.measures.features import Features
    from pipelines.metrics.downstream import Answers, Labelled

CANDIDATES: Final = "candidates"
"""The set of all candidates of a round that can be read, accepted or not."""
TRAINED_ON: Final = "trained_on"
"""The set of all rows that the round's generator was trained on."""
NEXT_MIX: Final = "next_mix"
"""The set of all rows of the mix that the next generator would learn from."""
CONFIDENCE: Final = "confidence"
"""How sure the suite's classifier is of accepted rows and of validation rows."""
Own = TypeVar("Own", bound=StrictModel)
"""A plug-in's own settings."""
Predict: TypeAlias = "Callable[[Labelled], NDArray[Any]]"
"""Says the labels of rows, [n]; of a task that does not classify, what its figure is made of, with
a row for each of them."""

SetFigures: TypeAlias = "Mapping[str, Mapping[str, Metric]]"
"""Figures by their names, by the name of the set of rows that they are about."""


@runtime_checkable
class WithMargins(Protocol):
    """Models that predict labels, and say how sure they are of each."""

    def __call__(self, rows: Labelled) -> NDArray[Any]:
        """Predict the labels of rows, [n]."""

    @property
    def classes(self) -> NDArray[Any]:
        """The labels that they can predict, in order."""

    def margins(self, rows: Labelled) -> NDArray[np.float64]:
        """Compute how far each row is on the side of each class, [n, classes].

        The predicted label is that of the largest margin; a temperature and a softmax turn margins
        into probabilities.
        """


@dataclass(frozen=True, slots=True, eq=False)
class MetricRequest:
    """Sets of rows to measure, and the real rows to measure them against."""

    real: Labelled
    """Real training rows, m of them."""
    validation: Labelled
    """n real rows that no generator saw."""
    sets: Mapping[str, Labelled]
    """n rows each of `accepted` (the round's accepted samples) and `mix` (the next mix)."""
    features: Features
    """Fixed features, fitted to the real rows."""
    null_draws: int
    """Random subsets of n real training rows that make a figure's null."""
    bootstrap: int
    """Resamples for an interval."""
    seed: int
    """Root of every random choice; derive one for each of them (`pipelines.common.seeds`)."""
    whole: Mapping[str, Labelled] = field(default_factory=dict)
    """All rows of `accepted` and of `validation`, where they are at hand, and of the sets that a
    metric `reads`."""
    confidence: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """What the suite's classifier gives the label that it sees in rows of `accepted` and
    `validation`, for a metric that reads `confidence`; without rows that it could not score."""

    @property
    def knows_style(self) -> bool:
        """Whether the modality takes the style out of rows (`Labelled.neutral`)."""
        return len(self.real.neutral) > 0

    @property
    def knows_likeness(self) -> bool:
        """Whether copies can be told from rows that are merely alike."""
        return self.knows_style or len(self.real.reduced) > 0

    def of(self, name: str) -> Labelled:
        """Return all rows of `accepted` or `validation`, or n where no more are at hand."""
        some = self.validation if name == "validation" else self.sets[name]
        return self.whole.get(name, some)

    @property
    def n(self) -> int:
        """Rows of each set."""
        return len(self.validation.labels)


class RoundMetric(Plugin, Protocol[Own]):
    """Measures sets of rows, beside real rows as a null."""

    Settings: type[Own]
    """What can be set for it under `evaluate.metrics` in params.yaml."""
    sets: ClassVar[tuple[str, ...]] = ("accepted", "mix")
    """The sets that it measures; a figure about candidates alone has nothing to say of a mix."""
    reads: ClassVar[tuple[str, ...]] = ()
    """What it compares these with: of `candidates`, `trained_on`, `next_mix` and `confidence`."""

    @abstractmethod
    def measure(self, request: MetricRequest, settings: Own) -> SetFigures:
        """Measure each set.

        Args:
            request: the sets, and the real rows.
            settings: the metric's own.

        Returns:
            By set of `sets`, and in it by figure; the same figures for each set, none named as one
            of another metric. NaN stands where a figure could not be computed.
        """

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:  # noqa: ARG002  of the protocol
        """Say which of its figures the data cannot have, and why, in words for a person."""
        return {}


class Task(Plugin, Protocol[Own]):
    """Trains on rows and scores the result on real rows."""

    Settings: type[Own]
    """What can be set for it under `evaluate.task_settings` in params.yaml."""
    figure: ClassVar[str]
    """What a mix is judged by, such as `accuracy`; more is better."""
    classifies: ClassVar[bool] = True
    """Whether it predicts labels. Then it needs two or more of them, and accuracy and the recall of
    each class are given beside its figure."""

    @abstractmethod
    def train(self, rows: Labelled, settings: Own) -> Predict:
        """Train on labelled rows, which may have weights.

        Args:
            rows: a training mix.
            settings: the task's own.

        Returns:
            What predicts the labels of other rows. Where it has margins too (`WithMargins`), the
            probability of the right labels is measured beside the figure.
        """

    def row_scores(self, answers: Answers) -> NDArray[np.float64]:
        """Score each answer, [n]: 1 if it is right, else 0. The figure is the mean."""
        return answers.right

    def score(self, answers: Answers, resamples: int, seed: int) -> Metric:
        """Compute the figure of answers, with its interval.

        Args:
            answers: labels of validation rows, and what was predicted.
            resamples: of the bootstrap.
            seed: of the bootstrap.
        """
        return Metric(*values.of_means(self.row_scores(answers), resamples, seed))

    def gain(self, answers: Answers, over: Answers, resamples: int, seed: int) -> Metric:
        """Compute the paired difference of the figure to that of other answers.

        Args:
            answers: of what was trained on the mix.
            over: of what it is compared with.
            resamples: of the bootstrap.
            seed: of the bootstrap.
        """
        apart = self.row_scores(answers) - self.row_scores(over)
        return Metric(*values.of_means(apart, resamples, seed))
