"""Is the verifier good enough for the errors among the candidates (Feng et al. 2024)?

Training on what the verifier keeps works if the share p of wrong candidates is below p* = φ/(φ+ψ).
Both are known only as intervals, so the figure is the upper bound of p over the lower bound of p*.
Where it is below 1, p is below p* anywhere within the two intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lineage.evidence import Evidence, Figure, Verdict, exact, number
from lineage.limits import Limits

MOST: Final = 1000.0
"""Largest value of the figure, and its value where the lower bound of p* is 0."""
NAMED: Final = {"φ": "keep_correct", "ψ": "keep_wrong", "p": "error", "p*": "threshold"}
DIGITS: Final = 12
"""Hex digits of a suite's digest in the evidence."""


def figure(evidence: Evidence) -> Figure:
    """Compute the upper bound of p over the lower bound of p* (Feng et al. 2024)."""
    return of(evidence.calibration, evidence.dataset)


def absent(evidence: Evidence, limits: Limits) -> Verdict | None:
    """Give the verdict on a suite that was never audited; None where it was audited."""
    return None if _is_known(evidence.calibration) else limits.calibration_missing


def of(calibration: Mapping[str, Any] | None, dataset: str) -> Figure:
    """Compute the figure of a calibration.

    Args:
        calibration: as `Evidence.calibration`.
        dataset: whose suite it is, for the command that audits it.
    """
    if calibration is None or not _is_known(calibration):
        return exact(
            None, f"not calibrated{_void(calibration)}: run `stemma verifier audit {dataset}`"
        )
    high, low = number(calibration, "error", "high"), number(calibration, "threshold", "low")
    if high is None or low is None:
        return exact(None, "the calibration could not be read")
    value = min(high / low, MOST) if low > 0 else MOST
    return exact(value, _detail(calibration))


def _is_known(calibration: Mapping[str, Any] | None) -> bool:
    return calibration is not None and "error" in calibration


def _void(calibration: Mapping[str, Any] | None) -> str:
    """Say how many audits of other suites do not count."""
    suite, void = (
        str((calibration or {}).get("suite", ""))[:DIGITS],
        (calibration or {}).get("void"),
    )
    if not suite:
        return ""
    others = f"; {void} of other suites or settings are void" if void else ""
    return f" for suite {suite}{others}"


def _detail(calibration: Mapping[str, Any]) -> str:
    planted_kind = f", all errors {calibration['kind']}" if calibration.get("kind") else ""
    source = {"sheet": "audit by a person", "planted": "planted errors"}
    audit = source.get(str(calibration.get("source")), "audit")
    how = f"{audit}, round {calibration.get('round')}{planted_kind}"
    shown = ", ".join(f"{name} {_interval(calibration, key)}" for name, key in NAMED.items())
    return f"{shown}; {how}; suite {str(calibration.get('suite'))[:DIGITS]}"


def _interval(calibration: Mapping[str, Any], name: str) -> str:
    value, low, high = (number(calibration, name, end) for end in ("value", "low", "high"))
    ends = " to ".join("?" if end is None else f"{end:.3f}" for end in (low, high))
    return f"{'unknown' if value is None else f'{value:.3f}'} ({ends})"
