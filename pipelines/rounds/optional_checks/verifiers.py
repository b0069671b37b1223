"""Checks of what the suite does to a line of rounds: where its classifier pulls, what refuses.

None blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import Field

from lineage import drift
from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, Evidence, PastRound, number
from lineage.limits import Limits
from pipelines.common.settings import StrictModel
from pipelines.rounds.guard_checks import HISTORY, REFUSALS, CheckResult, GuardCheck

FIGURE: Final = "verifier_pull"
NAMED: Final = 3
"""Expectations that the evidence names."""
LEAST: Final = 20
"""Refusals below which nothing is said of how they spread."""


class VerifierPullSettings(StrictModel):
    """When the check warns."""

    rise: float = Field(0.01, ge=0)
    """Most by which the confidence may rise since the first measured round, relative to that of
    real rows, where recall falls."""
    fall: float = Field(0.1, ge=0)
    """Least fall of recall since then, as a share of the recall of real rows, that goes with it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Figures of a round that the check compares."""

    round: int
    pull: float
    low: float
    high: float
    recall: float
    """As a ratio to that of real rows."""


class VerifierPull(GuardCheck[VerifierPullSettings]):
    """Does the suite's classifier grow surer of rounds that hold ever less of real data?

    A line that a verifier selects from converges to what the verifier knows (Yi et al. 2026,
    arXiv:2510.16657).
    """

    name = FIGURE
    version = "verifier_pull/2"
    Settings = VerifierPullSettings
    reads: ClassVar[tuple[str, ...]] = (HISTORY,)

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: VerifierPullSettings,
    ) -> CheckResult:
        """Warn where confidence rises beyond chance since the first round, and recall falls."""
        limit = f"warn >{settings.rise:g} with recall down by {settings.fall:g}"
        seen = list(_seen(evidence.history or ()))
        now = next((each for each in seen if each.round == evidence.round), None)
        if now is None:
            absent = (
                "not measured: evaluate.metrics names no `verifier_pull`, no scorer says how sure "
                "it is, or the rounds were not read"
            )
            return CheckResult(None, NOT_MEASURED, absent, limit)
        first = seen[0]
        if first.round == now.round:
            told = f"not measured: this is the first round that has it, with {now.pull:+.3f}"
            return CheckResult(None, NOT_MEASURED, told, limit)
        rise, fall = now.pull - first.pull, first.recall - now.recall
        told = (
            f"the suite's classifier is surer of accepted rows than of real ones by "
            f"{now.pull:+.3f} (round {first.round}: {first.pull:+.3f}); recall is "
            f"{now.recall:.2f} of that of real rows (round {first.round}: {first.recall:.2f})"
        )
        beyond = now.low > first.high and rise > settings.rise
        return CheckResult(rise, "warn" if beyond and fall > settings.fall else "pass", told, limit)


def _seen(history: Iterable[PastRound]) -> Iterator[_Seen]:
    """The figures of the rounds that have them all, in order."""
    for past in history:
        pull, low, high = (
            number(past.metrics, "round", FIGURE, part) for part in ("value", "low", "high")
        )
        recall, null = (number(past.metrics, "round", "recall", part) for part in ("value", "null"))
        if pull is None or low is None or high is None or recall is None or not null:
            continue
        yield _Seen(past.number, pull, low, high, recall / null)


class RejectionConcentrationSettings(StrictModel):
    """When the check warns."""

    warn: float = Field(0.9, gt=0, le=1)
    """Most concentration of the refusals."""
    refused: float = Field(0.25, ge=0, le=1)
    """Least share of the candidates that is refused, below which it does not matter by what."""


class RejectionConcentration(GuardCheck[RejectionConcentrationSettings]):
    """Is all that the suite refuses refused by one expectation?

    Rows that are chosen by one reward alone collapse to what it likes (arXiv:2605.07724). The
    figure is Σ s², s the share of each critical expectation in the refusals.
    """

    name = "rejection_concentration"
    version = "rejection_concentration/1"
    Settings = RejectionConcentrationSettings
    reads: ClassVar[tuple[str, ...]] = (REFUSALS,)

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: RejectionConcentrationSettings,
    ) -> CheckResult:
        """Warn where a suite refuses many rows, and one expectation nearly all of them."""
        limit = f"warn >{settings.warn:g} where {settings.refused:.0%} or more are rejected"
        if evidence.refusals is None:
            return CheckResult(
                None, NOT_MEASURED, "not measured: the verdicts were not read", limit
            )
        total = sum(evidence.refusals.values())
        value = drift.concentration(evidence.refusals.values())
        rejected, candidates = (
            number(evidence.counts, name) for name in ("rejected", "candidates")
        )
        if value is None or total < LEAST or not candidates or rejected is None:
            told = (
                f"not applicable: critical expectations refuse {total:,} times, fewer than {LEAST}"
            )
            return CheckResult(None, NOT_APPLICABLE, told, limit)
        listed = ", ".join(
            f"{name} {count / total:.2f}" for name, count in list(evidence.refusals.items())[:NAMED]
        )
        share = rejected / candidates
        told = f"{share:.2f} of the candidates are rejected; of {total:,} refusals: {listed}"
        warns = value > settings.warn and share >= settings.refused
        return CheckResult(value, "warn" if warns else "pass", told, limit)
