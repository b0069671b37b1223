"""The guard's checks in a diff: what objects comes first, and what has no row is counted."""

from __future__ import annotations

from typing import Final

from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, severity
from review.cli.output import number, plural
from review.diff.values import Check, Guard

SCREEN: Final = 6
"""Objections that fit a screen."""


def rows(guard: Guard | None, *, whole: bool) -> list[list[str]]:
    """Cells of the checks, the worst verdict of the right side first.

    Args:
        guard: the guard's results of both sides; None where it has not judged the right one.
        whole: show each check that does not pass or whose verdict differs; else the objections that
            fit a screen.
    """
    if guard is None:
        return []
    ranked = sorted(guard.checks, key=lambda check: severity(check.after))
    return [_cells(check) for check in (ranked if whole else guard.objections[:SCREEN])]


def unshown(guard: Guard | None, *, whole: bool) -> str | None:
    """A sentence with the number of checks that lack a figure, or a row on a screen.

    Returns:
        The sentence; None where there are no such checks.
    """
    if guard is None:
        return None
    more = 0 if whole else max(len(guard.objections) - SCREEN, 0)
    counts = {
        f"more {plural('objection', more)}": more,
        NOT_MEASURED: guard.count(NOT_MEASURED),
        NOT_APPLICABLE: guard.count(NOT_APPLICABLE),
    }
    parts = [f"{count:,} {what}" for what, count in counts.items() if count]
    return f"checks of the guard: {', '.join(parts)}" if parts else None


def _cells(check: Check) -> list[str]:
    return [
        check.name,
        *(side or "–" for side in (check.before, check.after)),
        number(check.value_after),
        check.limit or "–",
        check.evidence or "",
    ]
