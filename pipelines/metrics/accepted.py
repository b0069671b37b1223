"""A metric of the accepted rows alone that has no settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from pipelines.common.plugins import NoSettings
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric


class AcceptedMetric(RoundMetric[NoSettings]):
    """Measures the accepted rows of a round; it has nothing to say of a mix."""

    Settings = NoSettings
    sets: ClassVar[tuple[str, ...]] = ("accepted",)

    @abstractmethod
    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows, by figure; NaN stands where one could not be computed."""

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure the accepted rows."""
        return {"accepted": self.of_accepted(request)}
