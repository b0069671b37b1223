"""Checks of a figure that the stage `evaluate` measured, beside the same figure of real rows.

Each warns where the figure is below its limit and below what nearly all random real rows have. None
blocks.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Final, Literal

import polars as pl
from pydantic import Field

from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, Evidence, number
from lineage.limits import Limits
from pipelines.common.settings import StrictModel
from pipelines.rounds.guard_checks import CheckResult, GuardCheck

ROUND: Final = "round"
MIX: Final = "mix"
EDITED: Final = 0.05
"""Share of edited rows above which nearness to the training mix is meant."""
LARGEST: Final = 50.0
"""Exponent above which a scale is as good as infinite."""


class BesideRealSettings(StrictModel):
    """When a check warns."""

    warn: float | None = Field(None, ge=0)
    """Least figure, as a ratio to that of real rows; None: the limit that suits the figure."""


class BesideReal(GuardCheck[BesideRealSettings]):
    """A figure that is to be as great as that of as many real rows."""

    figure: ClassVar[str]
    """The figure, and the name of the check."""
    metric: ClassVar[str]
    """The metric that measures it."""
    part: ClassVar[Literal["round", "mix"]] = ROUND
    what: ClassVar[str]
    """What the figure is, in words for a person."""
    warns_below: ClassVar[float]
    """The limit that suits the figure, chosen on other seeds than those it was tried on
    (`benchmarks.checks`)."""

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: BesideRealSettings,
    ) -> CheckResult:
        """Warn where the figure is below its limit, and below what chance gives."""
        least_ratio = self.limit(settings)
        limit = f"warn <{least_ratio:g}"
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
        warns = ratio < min(least_ratio, least)
        return CheckResult(ratio, "warn" if warns else "pass", told, limit)

    def limit(self, settings: BesideRealSettings) -> float:
        """The limit that is set, or the one that suits the figure."""
        return self.warns_below if settings.warn is None else settings.warn

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
    version = "clipped_density/2"
    Settings = BesideRealSettings
    what = "clipped density"
    warns_below = 0.7


class ClippedCoverage(Plain):
    """Share of the accepted rows that would cover real rows as well (arXiv:2507.01761)."""

    name = figure = "clipped_coverage"
    metric = "clipped"
    version = "clipped_coverage/2"
    Settings = BesideRealSettings
    what = "clipped coverage"
    warns_below = 0.75


class TrainingDistance(Plain):
    """Distance of the accepted rows to what their generator learned from (Shi et al. 2025)."""

    name = figure = metric = "training_distance"
    version = "training_distance/2"
    Settings = BesideRealSettings
    what = "mean distance to the nearest row of the generator's own training mix"
    warns_below = 0.75

    def judge(
        self, evidence: Evidence, limits: Limits, settings: BesideRealSettings
    ) -> CheckResult:
        """Judge the distance, unless lineage says that rows were made by editing others."""
        edited = _edited(evidence.lineage)
        if edited > EDITED:
            told = (
                f"not applicable: {edited:.2f} of the accepted rows are edits by their lineage, "
                f"which are near to what was edited"
            )
            return CheckResult(None, NOT_APPLICABLE, told, f"warn <{self.limit(settings):g}")
        return super().judge(evidence, limits, settings)


def _edited(lineage: pl.DataFrame) -> float:
    """Share of rows that were made by editing others."""
    if "kind" not in lineage.columns or lineage.is_empty():
        return 0.0
    return float((lineage["kind"].cast(pl.String) == "edited").sum()) / len(lineage)


class MeaningVariety(Plain):
    """Effective number of meanings of the accepted texts, over that of real ones."""

    name = figure = metric = "meaning_variety"
    version = "meaning_variety/2"
    Settings = BesideRealSettings
    what = "effective number of clusters of meaning"
    warns_below = 0.65


class Entropy(BesideReal):
    """Entropy of the next mix beside that of real rows, as a scale (Shi et al. 2025).

    Entropy adds up over dimensions, so what is judged is exp((Ĥ − Ĥ of real rows) / d): by how much
    each of d axes would have to shrink to lose as much.
    """

    name = figure = metric = "entropy"
    version = "entropy/2"
    Settings = BesideRealSettings
    part = MIX
    what = "entropy of the next mix in nats"
    warns_below = 0.7

    def ratio(self, value: float, null: float, evidence: Evidence) -> float | None:
        """Compute the scale of an axis; None where the dimensions are not known."""
        dimensions = number(evidence.metrics, self.part, self.figure, "dimensions")
        if dimensions is None or dimensions < 1:
            return None
        return math.exp(min((value - null) / dimensions, LARGEST))
