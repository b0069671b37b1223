"""The check `selection_tail`: does the suite leave the rare rows that the generator made?

It reads the figures of the metric `selection`, and it warns and never blocks: that it raises no
false alarm was shown on images alone, and not on tables and texts.
"""

from __future__ import annotations

from typing import Any, Final

from lineage.evidence import NOT_MEASURED, Evidence, number
from lineage.limits import Limits
from pipelines.common.settings import StrictModel
from pipelines.rounds.guard_checks import CheckResult, GuardCheck

FIGURE: Final = "selection_tail"
ABSENT: Final = (
    "not measured: evaluate.metrics names no `selection`, fewer than 20 candidates are rare, or "
    "this is what a take-down leaves"
)


class SelectionTailSettings(StrictModel):
    """When the check warns."""

    warn: float = 0.75
    """Least share of the rare mass of the candidates that the accepted rows may have; a selection
    warns where it has less than nearly all random selections of as many rows, too."""


class SelectionTail(GuardCheck[SelectionTailSettings]):
    """Rare rows among the accepted ones, over those among the candidates."""

    name = FIGURE
    version = "selection_tail/1"
    Settings = SelectionTailSettings

    def judge(
        self,
        evidence: Evidence,
        limits: Limits,  # noqa: ARG002  it has its own
        settings: SelectionTailSettings,
    ) -> CheckResult:
        """Warn where the selection cuts the tail beyond chance."""
        limit = f"warn <{settings.warn:g}"
        parts = ("value", "null_low", "null_high")
        value, low, high = (number(evidence.metrics, "round", FIGURE, part) for part in parts)
        if value is None or low is None or high is None:
            return CheckResult(None, NOT_MEASURED, ABSENT, limit)
        told = (
            f"accepted rows have {value:.2f} of the rare mass of the candidates; random selections "
            f"of as many {low:.2f} to {high:.2f}{_by_tenths(evidence)}"
        )
        cuts = value < min(settings.warn, low)
        return CheckResult(value, "warn" if cuts else "pass", told, limit)


def _by_tenths(evidence: Evidence) -> str:
    """The acceptance by tenths of rarity, as the end of a sentence."""
    entry: Any = evidence.metrics["round"][FIGURE]
    shares = entry.get("acceptance") if isinstance(entry, dict) else None
    if not isinstance(shares, list) or not all(
        share is None or isinstance(share, int | float) for share in shares
    ):
        return ""
    listed = " ".join("–" if share is None else f"{share:.2f}" for share in shares)
    return f"; acceptance from the most common tenth to the rarest: {listed}" if listed else ""
