"""A metric and a check of the guard as a user writes them: words that a set of texts has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.random import Generator

from lineage.evidence import Evidence
from lineage.limits import Limits
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled, Metric
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.rounds.guard_checks import CheckResult, GuardCheck

DRAWS: Final = 50


class Vocabulary(RoundMetric[NoSettings]):
    """Distinct words in n texts, with the interval of subsets of half as many, and real ones'."""

    name = "vocabulary"
    version = "vocabulary/1"
    Settings = NoSettings

    def measure(
        self,
        request: MetricRequest,
        settings: NoSettings,  # noqa: ARG002  it has none
    ) -> Mapping[str, Mapping[str, Metric]]:
        """Count the words of each set, and of as many real texts that no generator saw."""
        draw = np.random.default_rng(derive_seed(request.seed, self.name))
        null = distinct(request.validation)
        return {
            name: {"vocabulary": _metric(rows, null, draw)} for name, rows in request.sets.items()
        }


class KeepsWordsSettings(StrictModel):
    """Limits of the check."""

    block: float = 0.6
    """Least distinct words of the next mix, as a share of those of as many real texts."""


class KeepsWords(GuardCheck[KeepsWordsSettings]):
    """Does the next mix have the words of real texts?"""

    name = "keeps_words"
    version = "keeps_words/1"
    Settings = KeepsWordsSettings

    def judge(
        self, evidence: Evidence, limits: Limits, settings: KeepsWordsSettings
    ) -> CheckResult:
        """Compare the words of the mix with those of real texts."""
        figure = evidence.metrics.get("mix", {}).get("vocabulary")
        if figure is None:
            return CheckResult(None, limits.unknown, "the metric vocabulary was not measured")
        share = figure["value"] / figure["null"]
        return CheckResult(
            value=share,
            verdict="pass" if share >= settings.block else "block",
            detail=f"{figure['value']:.0f} distinct words; as many real texts have "
            f"{figure['null']:.0f}",
            limit=f"block <{settings.block:g}",
        )


def distinct(rows: Labelled) -> int:
    """Count the distinct words of texts."""
    return len({word for text in rows.inputs for word in str(text).lower().split()})


def _metric(rows: Labelled, null: int, draw: Generator) -> Metric:
    """Count words; the interval is that of texts drawn again, moved to the count of all."""
    value, n = distinct(rows), len(rows.inputs)
    again = [distinct(rows.at(draw.choice(n, max(1, n // 2), replace=False))) for _ in range(DRAWS)]
    low, high = np.percentile(again, (2.5, 97.5)) - np.mean(again)
    return Metric(float(value), value + float(low), value + float(high), float(null))
