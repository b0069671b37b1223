"""Is the verifier good enough for the errors among the candidates (Feng et al. 2024)?

Training on what the verifier keeps works if the share p of wrong candidates is below p* = φ/(φ+ψ).
Both are known only as intervals, so the figure is the upper bound of p over the lower bound of p*.
Where it is below 1, p is below p* anywhere within the two intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lineage.evidence import NOT_MEASURED, Evidence, Figure, Verdict, exact, number
from lineage.limits import Limits

MOST: Final = 1000.0
"""Largest value of the figure, and its value where the lower bound of p* is 0."""
NAMED: Final = {"φ": "keep_correct", "ψ": "keep_wrong", "p": "error", "p*": "threshold"}
DIGITS: Final = 12
"""Hex digits of a digest in the evidence."""
LEFT_OUT: Final = {
    "void": "of other suites or settings are void",
    "unsigned": "that no signed merge brought do not count",
    "unreadable": "cannot be read",
}
"""Why audits are left out, by the entry that counts them."""


def figure(evidence: Evidence) -> Figure:
    """Compute the upper bound of p over the lower bound of p* (Feng et al. 2024)."""
    return of(evidence.calibration, evidence.dataset)


def absent(evidence: Evidence, limits: Limits) -> Verdict | None:
    """Give the verdict on a suite that was never audited; None where it was audited.

    Where the limits let it pass, it is no objection, but no pass either.
    """
    if _is_known(evidence.calibration):
        return None
    missing = limits.calibration_missing
    return NOT_MEASURED if missing == "pass" else missing


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
    """Say for which suite there is no audit, and how many audits are left out."""
    suite = str((calibration or {}).get("suite", ""))[:DIGITS]
    return f" for suite {suite}{_left_out(calibration or {})}" if suite else ""


def _left_out(calibration: Mapping[str, Any]) -> str:
    """Count the audits that are left out, by reason; empty if there are none."""
    counts = [
        f"{calibration[name]} {why}" for name, why in LEFT_OUT.items() if calibration.get(name)
    ]
    return f"; {', '.join(counts)}" if counts else ""


def _detail(calibration: Mapping[str, Any]) -> str:
    planted_kind = f", all errors {calibration['kind']}" if calibration.get("kind") else ""
    source = {"sheet": "audit by a person", "planted": "planted errors"}
    audit = source.get(str(calibration.get("source")), "audit")
    how = f"{audit}, round {calibration.get('round')}{planted_kind}"
    shown = ", ".join(f"{name} {_interval(calibration, key)}" for name, key in NAMED.items())
    suite = f"suite {str(calibration.get('suite'))[:DIGITS]}"
    return f"{shown}; {how}; {suite}{_place(calibration)}{_left_out(calibration)}"


def _place(calibration: Mapping[str, Any]) -> str:
    """Name the file of the audit, its digest, and the key that signed it."""
    if not calibration.get("place"):
        return ""
    digest, signer = calibration.get("digest"), calibration.get("signed_by")
    signed = f", signed by {signer}" if signer else ""
    return f"; {calibration['place']}, SHA-256 {str(digest)[:DIGITS]}{signed}"


def _interval(calibration: Mapping[str, Any], name: str) -> str:
    value, low, high = (number(calibration, name, end) for end in ("value", "low", "high"))
    ends = " to ".join("?" if end is None else f"{end:.3f}" for end in (low, high))
    return f"{'unknown' if value is None else f'{value:.3f}'} ({ends})"
