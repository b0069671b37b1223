"""Checks of a whole line of rounds: what replacement costs by formulas, and how many generators.

None of them looks at a row, so they tell what is to come before it shows. None blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from lineage import drift
from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, Evidence, PastRound, number
from lineage.limits import Limits
from pipelines.common.settings import StrictModel
from pipelines.rounds.guard_checks import HISTORY, CheckResult, GuardCheck

REPLACE: Final = "replace"
STAYS: Final = "not applicable: real rows stay in the next mix, so nothing is lost by drift alone"
NO_HISTORY: Final = "not measured: the rounds before were not read"


def _replaces(mix: Mapping[str, Any]) -> bool:
    """Tell whether a mix holds nothing but generated rows of its own round."""
    return mix.get("regime") == REPLACE and number(mix, "real_share") == 0


class DriftBudgetSettings(StrictModel):
    """When the check warns."""

    warn: float = Field(0.95, ge=0, le=1)
    """Least share of the variance that sampling alone may leave."""


class DriftBudget(GuardCheck[DriftBudgetSettings]):
    """Share of the variance that a line of replacement keeps: Π(1 − 1/n_t) (Xu et al. 2025)."""

    name = "drift_budget"
    version = "drift_budget/1"
    Settings = DriftBudgetSettings
    reads: ClassVar[tuple[str, ...]] = (HISTORY,)

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: DriftBudgetSettings,
    ) -> CheckResult:
        """Warn where rounds that replaced one another were too small, however good they are."""
        limit = f"warn <{settings.warn:g}"
        if not _replaces(evidence.mix.model_dump(mode="json")):
            return CheckResult(None, NOT_APPLICABLE, STAYS, limit)
        if evidence.history is None:
            return CheckResult(None, NOT_MEASURED, NO_HISTORY, limit)
        sizes = [evidence.mix.rows, *_sizes_before(evidence)]
        value = drift.budget(sizes)
        told = (
            f"{len(sizes)} mixes of {min(sizes):,} to {max(sizes):,} rows replaced one another "
            f"since real rows; sampling alone leaves {value:.3f} of the variance, "
            f"and as many rows again {value**2:.3f}"
        )
        return CheckResult(value, "warn" if value < settings.warn else "pass", told, limit)


def _sizes_before(evidence: Evidence) -> Iterator[int]:
    """Rows of the mixes before this round's, the newest first, as far as they replaced."""
    before = [each.mix for each in evidence.history or () if each.number < evidence.round]
    for mix in takewhile(_replaces, reversed(before)):
        rows = number(mix, "rows")
        if rows is not None and rows >= 1:
            yield int(rows)


class RareClassSettings(StrictModel):
    """When the check warns."""

    warn: float = Field(3, ge=0)
    """Least rounds within which one line in ten may lose the rarest class."""


class RareClass(GuardCheck[RareClassSettings]):
    """Rounds within which one line of replacement in ten loses its rarest class.

    The mean of Kimura and Ohta (1969) is shown beside it, and is far longer (Suresh et al. 2024).
    """

    name = "rare_class"
    version = "rare_class/2"
    Settings = RareClassSettings

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: RareClassSettings,
    ) -> CheckResult:
        """Warn where the rarest class of a line of replacement may soon be lost."""
        limit = f"warn <{settings.warn:g}"
        if not _replaces(evidence.mix.model_dump(mode="json")):
            return CheckResult(None, NOT_APPLICABLE, STAYS, limit)
        share, tenth, median, mean = (
            number(evidence.metrics, "round", f"rare_class_{name}", "value")
            for name in ("share", "tenth", "median", "mean")
        )
        if share is None:
            absent = "not measured: evaluate.metrics names no `rare_class`, or rows have no classes"
            return CheckResult(None, NOT_MEASURED, absent, limit)
        sampled = number(evidence.metrics, "sampled", "rows")
        if sampled is not None and sampled < evidence.mix.rows:  # times follow the rows of a mix
            tenth, median, mean = _forecast(share, evidence.mix.rows)
        rounds = [_rounds(each) for each in (tenth, median, mean)]
        told = (
            f"the rarest class has {share:.3f} of the {evidence.mix.rows:,} rows of the next mix; "
            f"if each round draws its labels from the one before, one line in ten loses it within "
            f"{rounds[0]}, half of them within {rounds[1]}, and those that do on average after "
            f"{rounds[2]}"
        )
        if tenth is None:
            return CheckResult(None, "pass", told, limit)
        return CheckResult(tenth, "warn" if tenth < settings.warn else "pass", told, limit)


def _forecast(share: float, rows: int) -> tuple[float | None, float | None, float | None]:
    """As the metric has it of a whole mix, of so many rows."""
    random = np.random.default_rng(rows)
    times = drift.loss_times(share, rows, random, latest=drift.FOLLOWED)
    mean = 0.0 if share == 0 else drift.mean_loss_time(share, rows)
    return drift.quantile(times, 0.1), drift.quantile(times, 0.5), mean


def _rounds(value: float | None) -> str:
    return "more rounds than were followed" if value is None else f"{value:.0f} rounds"


class EffectiveGeneratorsSettings(StrictModel):
    """When the check warns."""

    warn: float = Field(0, ge=0)
    """Least effective number of generators in the generated part of the next mix; 0: no limit,
    since a project may mean to have one."""


class EffectiveGenerators(GuardCheck[EffectiveGeneratorsSettings]):
    """Effective number of generators in the next mix, 1/Σ w² (arXiv:2512.15011)."""

    name = "effective_generators"
    version = "effective_generators/2"
    Settings = EffectiveGeneratorsSettings
    reads: ClassVar[tuple[str, ...]] = (HISTORY,)

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: EffectiveGeneratorsSettings,
    ) -> CheckResult:
        """Warn where nearly all generated rows are of one generator."""
        limit = f"warn <{settings.warn:g}"
        if evidence.history is None:
            return CheckResult(None, NOT_MEASURED, NO_HISTORY, limit)
        weights = _weights(evidence, evidence.history)
        value = drift.effective_number(weights.values())
        if value is None:
            told = "not applicable: the next mix holds no generated rows"
            return CheckResult(None, NOT_APPLICABLE, told, limit)
        total = sum(weights.values())
        shares = ", ".join(f"{name} {each / total:.2f}" for name, each in weights.items())
        told = f"of the weight of the generated rows of the next mix: {shares}"
        return CheckResult(value, "warn" if value < settings.warn else "pass", told, limit)


def _weights(evidence: Evidence, history: Sequence[PastRound]) -> dict[str, float]:
    """Weight of the generated rows of the next mix by their generator."""
    generators = {each.number: each.generator for each in history}
    found: dict[str, float] = {}
    for part in evidence.mix.rounds:
        name = generators.get(part.round, "")
        if name:
            found[name] = found.get(name, 0.0) + part.weight
    return found
