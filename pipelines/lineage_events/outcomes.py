"""Outcomes of expectations and of the guard's checks, as events tell them: counts and verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from lake.errors import LakeError
from lake.visible import visible
from lineage.schema import UNREADABLE
from pipelines.common.errors import PipelineError
from pipelines.lineage_events.facts import AssertionFacts, CheckFacts
from pipelines.rounds import manifest, receipts
from pipelines.rounds.context import RoundContext

SEVERITIES: Final = {"critical": "error", "warning": "warn"}
"""Severities of Great Expectations, as OpenLineage calls them."""
UNKNOWN: Final = (LakeError, PipelineError, OSError, *UNREADABLE)
"""Errors by which something is not known; it is left out then."""


def assertions(ctx: RoundContext) -> tuple[AssertionFacts, ...]:
    """Outcomes of the expectations of a round, as `verify` counted them."""
    dataset, number = ctx.round.dataset, ctx.round.number
    try:
        commit = receipts.read(dataset, number, "verify").commit
        verdicts = manifest.read(ctx.lake, commit, dataset, number)["verdicts"]
    except UNKNOWN:
        return ()
    return tuple(_assertion(name, each) for name, each in verdicts["expectations"].items())


def _assertion(name: str, counted: Mapping[str, Any]) -> AssertionFacts:
    columns = [visible(str(column)) for column in counted.get("columns", ())]
    limits = ", ".join(_limit(key, value) for key, value in counted.get("limits", {}).items())
    counts = {verdict: int(counted.get(verdict, 0)) for verdict in ("passed", "failed", "unknown")}
    return AssertionFacts(
        name=visible(name),
        type=str(counted.get("type", "")).removeprefix("expect_"),
        success=counts["failed"] == counts["unknown"] == 0,
        severity=SEVERITIES.get(str(counted.get("severity")), "error"),
        column=columns[0] if len(columns) == 1 else None,
        description=f"on {', '.join(columns)}" if columns else "",
        expected=visible(limits),
        counts=counts,
    )


def _limit(name: str, value: object) -> str:
    """A limit of an expectation: numbers as they are; what may quote values of rows is counted."""
    if value is None or isinstance(value, bool | int | float):
        return f"{name} {value}"
    if isinstance(value, Collection) and not isinstance(value, str):
        return f"{name} ({len(value):,} {'value' if len(value) == 1 else 'values'})"
    return f"{name} (a text)"


def checks(ctx: RoundContext, ref: str) -> tuple[CheckFacts, ...]:
    """Checks of the guard's answer about a round at a ref; none where there is no answer."""
    try:
        answer = manifest.read(ctx.lake, ref, ctx.round.dataset, ctx.round.number).get("guard")
    except UNKNOWN:
        return ()
    return tuple(_check(each) for each in answer["checks"]) if answer else ()


def _check(each: Mapping[str, Any]) -> CheckFacts:
    verdict, value = str(each.get("verdict")), each.get("value")
    failing = {"block": "error", "warn": "warn"}
    severity: Any = failing.get(verdict)
    status: Any = "fail" if severity else "pass" if verdict == "pass" else "skip"
    actual = None if value is None else f"{value:.6g}"
    return CheckFacts(visible(str(each["name"])), status, severity, str(each["limit"]), actual)
