"""Downstream tasks of tables: foretell a class or a number, by gradient boosting on typed columns.

Trained on a mix that holds synthetic rows, and tested on real rows that no generator saw (TSTR:
Esteban, Hyland & Rätsch 2017, arXiv:1706.02633).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.features.tables import boosting
from pipelines.metrics import values
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.macro_f1 import MacroF1Task
from pipelines.metrics.protocol import Predict, Task
from pipelines.metrics.values import Metric

Rows = NDArray[np.int64]


class TableLabels(MacroF1Task[NoSettings]):
    """Classification of rows by gradient boosting, judged by macro-F1."""

    name = "table_labels"
    version = "table_labels/1"
    Settings = NoSettings

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the records of rows."""
        trained = boosting.classifier(rows.inputs, rows.labels, rows.weights)
        return lambda test: trained.labels(test.inputs)


class TableTarget(Task[NoSettings]):
    """Regression of a number by gradient boosting, judged by R²."""

    name = "table_target"
    version = "table_target/1"
    Settings = NoSettings
    figure = "r2"
    classifies = False

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the records of rows and their targets."""
        trained = boosting.regressor(rows.inputs, rows.labels, rows.weights)
        return lambda test: trained.values(test.inputs)

    def score(self, answers: Answers, resamples: int, seed: int) -> Metric:
        """Compute R² with its bootstrap interval."""
        return _bootstrapped(lambda rows: r2(answers, rows), answers, resamples, seed)

    def gain(self, answers: Answers, over: Answers, resamples: int, seed: int) -> Metric:
        """Compute the paired difference of R²."""
        return _bootstrapped(
            lambda rows: r2(answers, rows) - r2(over, rows), answers, resamples, seed
        )


def r2(answers: Answers, rows: Rows) -> float:
    """Compute the coefficient of determination of some rows.

    It is 1 less the squared error over that of the rows' mean: at most 1, 0 of somebody who always
    says the mean, and less than 0 of who does worse. NaN where all rows have the same number.
    """
    target, said = (
        np.asarray(each, dtype=np.float64)[rows] for each in (answers.labels, answers.said)
    )
    spread = float(((target - target.mean()) ** 2).sum())
    return 1 - float(((target - said) ** 2).sum()) / spread if spread > 0 else float("nan")


def _bootstrapped(
    figure: Callable[[Rows], float], answers: Answers, resamples: int, seed: int
) -> Metric:
    """Compute a figure of all rows, and its percentile interval (Efron 1979)."""
    count, draw = len(answers.labels), np.random.default_rng(seed)
    again = np.asarray([figure(draw.integers(count, size=count)) for _ in range(resamples)])
    low, high = values.interval(again[np.isfinite(again)])
    return Metric(figure(np.arange(count)), low, high)
