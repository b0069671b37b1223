"""Checks of a figure that the stage `evaluate` measured, beside the same figure of real rows.

Each warns where the figure is below its limit and below what nearly all random real rows have, so
that chance alone warns of one round in forty at most. None blocks.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Final, Literal

from pydantic import Field

from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, Evidence, number
from lineage.limits import Limits
from pipelines.common.settings import StrictModel
from pipelines.rounds.guard_checks import CheckResult, GuardCheck

ROUND: Final = "round"
MIX: Final = "mix"
LARGEST: Final = 50.0
"""Exponent above which a scale is as good as infinite."""


class BesideRealSettings(StrictModel):
    """When a check warns."""

    warn: float = Field(0.8, ge=0)
    """Least figure, as a ratio to that of real rows."""


class BesideReal(GuardCheck[BesideRealSettings]):
    """A figure that is to be as great as that of as many real rows."""

    figure: ClassVar[str]
    """The figure, and the name of the check."""
    metric: ClassVar[str]
    """The metric that measures it."""
    part: ClassVar[Literal["round", "mix"]] = ROUND
    what: ClassVar[str]
    """What the figure is, in words for a person."""

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: BesideRealSettings,
    ) -> CheckResult:
        """Warn where the figure is below its limit, and below what chance gives."""
        limit = f"warn <{settings.warn:g}"
        reasons = evidence.metrics.get("not_applicable")
        reason = reasons.get(self.figure) if isinstance(reasons, dict) else None
        if reason:
            return CheckResult(None, NOT_APPLICABLE, f"not applicable: {reason}", limit)
        numbers = (
            number(evidence.metrics, self.part, self.figure, name)
            for name in ("value", "null", "null_low")
        )
        value, null, low = numbers
        ratio, least = None, None
        if value is not None and null is not None and low is not None:
            ratio, least = (self.ratio(each, null, evidence) for each in (value, low))
        if ratio is None or least is None or value is None or null is None:
            absent = f"not measured: evaluate.metrics names no `{self.metric}`, or rows are too few"
            return CheckResult(None, NOT_MEASURED, absent, limit)
        told = (
            f"{self.what} is {value:.3f}, of as many real rows {null:.3f}; as a ratio {ratio:.2f}, "
            f"of nearly all random real rows {least:.2f} or more"
        )
        warns = ratio < min(settings.warn, least)
        return CheckResult(ratio, "warn" if warns else "pass", told, limit)

    @abstractmethod
    def ratio(self, value: float, null: float, evidence: Evidence) -> float | None:
        """Compute the ratio of a figure to that of real rows; None where there is none."""


class Plain(BesideReal):
    """A figure that is divided by that of real rows as it is."""

    def ratio(self, value: float, null: float, evidence: Evidence) -> float | None:  # noqa: ARG002
        """Divide the figure by its null."""
        return value / null if null > 0 else None


class ClippedDensity(Plain):
    """Share of the accepted rows that lie where real rows do (arXiv:2507.01761)."""

    name = figure = "clipped_density"
    metric = "clipped"
    version = "clipped_density/1"
    Settings = BesideRealSettings
    what = "clipped density"


class ClippedCoverage(Plain):
    """Share of the accepted rows that would cover real rows as well (arXiv:2507.01761)."""

    name = figure = "clipped_coverage"
    metric = "clipped"
    version = "clipped_coverage/1"
    Settings = BesideRealSettings
    what = "clipped coverage"


class TrainingDistance(Plain):
    """Distance of the accepted rows to what their generator learned from (Shi et al. 2025)."""

    name = figure = metric = "training_distance"
    version = "training_distance/1"
    Settings = BesideRealSettings
    what = "mean distance to the nearest row of the generator's own training mix"


class MeaningVariety(Plain):
    """Effective number of meanings of the accepted texts, over that of real ones."""

    name = figure = metric = "meaning_variety"
    version = "meaning_variety/1"
    Settings = BesideRealSettings
    what = "effective number of clusters of meaning"


class Entropy(BesideReal):
    """Entropy of the next mix beside that of real rows, as a scale (Shi et al. 2025).

    Entropy adds up over dimensions, so what is judged is exp((Ĥ − Ĥ of real rows) / d): by how much
    each of d axes would have to shrink to lose as much.
    """

    name = figure = metric = "entropy"
    version = "entropy/1"
    Settings = BesideRealSettings
    part = MIX
    what = "entropy of the next mix in nats"

    def ratio(self, value: float, null: float, evidence: Evidence) -> float | None:
        """Compute the scale of an axis; None where the dimensions are not known."""
        dimensions = number(evidence.metrics, self.part, self.figure, "dimensions")
        if dimensions is None or dimensions < 1:
            return None
        return math.exp(min((value - null) / dimensions, LARGEST))
