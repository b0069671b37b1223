"""A scorer, a metric, a downstream task and a check of the guard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.evidence import Evidence
from lineage.limits import Limits
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled, Metric
from pipelines.metrics.downstream import Answers
from pipelines.metrics.protocol import MetricRequest, Predict, RoundMetric, Task
from pipelines.rounds.guard_checks import CheckResult, GuardCheck
from pipelines.scorers.protocol import Given, Scorer


class SideSettings(StrictModel):
    value: str = "value"
    edge: float = 5.0


class Side(Scorer[SideSettings]):
    """On which side of an edge a number is."""

    name = "side"
    version = "side/1"
    Settings = SideSettings
    columns: ClassVar = {"side": pl.Int64}
    needs = ("value",)
    rowwise = True

    def model_digest(self, given: Given, settings: SideSettings) -> str:  # noqa: ARG002
        return "none"

    def score(
        self,
        candidates: pl.DataFrame,
        given: Given,  # noqa: ARG002
        settings: SideSettings,
    ) -> pl.DataFrame:
        side = (pl.col(settings.value) > settings.edge).cast(pl.Int64)
        return candidates.select("round", "row", side.alias("side"))


class Middle(RoundMetric[NoSettings]):
    """The median of a set."""

    name = "middle"
    version = "middle/1"
    Settings = NoSettings

    def measure(
        self,
        request: MetricRequest,
        settings: NoSettings,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Metric]]:
        real = float(np.median(request.real.vectors))
        return {
            name: {"median": Metric(float(np.median(rows.vectors)), -1.0, 11.0, real)}
            for name, rows in request.sets.items()
        }


class Edge(Task[NoSettings]):
    """Tell labels by the middle between the two means; every error costs."""

    name = "edge"
    version = "edge/1"
    Settings = NoSettings
    figure = "profit"

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002
        means = [rows.vectors[rows.labels == each].mean() for each in (0, 1)]

        def predict(test: Labelled) -> NDArray[np.int64]:
            return (test.vectors[:, 0] > sum(means) / 2).astype(np.int64)

        return predict

    def row_scores(self, answers: Answers) -> NDArray[np.float64]:
        return np.where(answers.right == 1, 1.0, -10.0)


class CountSettings(StrictModel):
    least: int = 1


class Count(GuardCheck[CountSettings]):
    """Are there enough accepted rows?"""

    name = "count"
    version = "count/1"
    Settings = CountSettings

    def judge(self, evidence: Evidence, limits: Limits, settings: CountSettings) -> CheckResult:
        accepted = len(evidence.lineage)
        verdict = "pass" if accepted >= settings.least else "block"
        assert limits.unknown
        limit = f"block <{settings.least}"
        return CheckResult(float(accepted), verdict, f"{accepted} rows are accepted", limit)
