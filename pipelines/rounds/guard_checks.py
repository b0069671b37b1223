"""The protocol of guard checks that a project adds, as plug-ins or by the name of an optional one.

The guard's built-in checks are rules of `lineage.checks` with limits of their own. A check that a
project adds gets the same evidence and the same limits, and returns its own figure and verdict.
`pipelines.gate.checks` runs it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeVar

from lineage.evidence import Evidence, Verdict
from lineage.limits import Limits
from pipelines.common.plugins import Plugin, Registry
from pipelines.common.settings import StrictModel, parse

Own = TypeVar("Own", bound=StrictModel)
"""Settings class of a check."""
HISTORY: Final = "history"
"""What a check `reads` that compares a round with those before it."""
REFUSALS: Final = "refusals"
"""What a check `reads` that is about what the suite refuses."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of a check."""

    value: float | None
    """The figure that was judged; None if it could not be computed."""
    verdict: Verdict
    detail: str
    """How the figure was computed, as text for a person."""
    limit: str = "none"
    """The limits as text, such as "block <0.5"."""


class GuardCheck(Plugin, Protocol[Own]):
    """A class that judges a round in addition to the guard's built-in checks."""

    Settings: type[Own]
    """Model of the check's settings under `publish.checks` in params.yaml."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Evidence that is read from the lake for checks that ask for it: `history`, `refusals`."""

    @abstractmethod
    def judge(self, evidence: Evidence, limits: Limits, settings: Own) -> CheckResult:
        """Judge a round.

        Args:
            evidence: the evidence about the round; any part of it may be missing.
            limits: limits of the guard's built-in checks; `limits.unknown` is the verdict where
                evidence is missing.
            settings: settings of this check.
        """


HERE: Final = "pipelines.rounds.optional_checks"
CHECKS: Final[Registry[GuardCheck[Any]]] = Registry(
    "check",
    "pipelines.rounds.guard_checks:GuardCheck",
    {
        "clipped_coverage": f"{HERE}.beside_real:ClippedCoverage",
        "clipped_density": f"{HERE}.beside_real:ClippedDensity",
        "drift_budget": f"{HERE}.lines:DriftBudget",
        "effective_generators": f"{HERE}.lines:EffectiveGenerators",
        "entropy": f"{HERE}.beside_real:Entropy",
        "meaning_variety": f"{HERE}.beside_real:MeaningVariety",
        "rare_class": f"{HERE}.lines:RareClass",
        "rejection_concentration": f"{HERE}.verifiers:RejectionConcentration",
        "selection_tail": "pipelines.rounds.selection_tail:SelectionTail",
        "training_distance": f"{HERE}.beside_real:TrainingDistance",
        "verifier_pull": f"{HERE}.verifiers:VerifierPull",
    },
)


def settings(checks: Mapping[str, Mapping[str, Any]]) -> dict[str, StrictModel]:
    """Settings of the checks that params.yaml adds, by reference.

    Raises:
        ParamsError: there is no such check, or a key is wrong.
    """
    return {
        name: parse(CHECKS.find(name).Settings, dict(given), f"publish.checks.{name}")
        for name, given in checks.items()
    }


def read_by(checks: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Name the evidence that checks ask for.

    Raises:
        ParamsError: there is no such check.
    """
    return {name for reference in checks for name in CHECKS.load(reference).reads}
