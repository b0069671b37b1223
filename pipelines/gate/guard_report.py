"""The report of the guard's answer about a round on the terminal."""

from __future__ import annotations

from typing import Final

from lineage import guard
from lineage.evidence import NOT_APPLICABLE, UNOBJECTIONABLE, figure_text
from lineage.guard import GuardResult
from pipelines.common import console

PREFIX: Final = f"{NOT_APPLICABLE}: "
"""What the evidence of such a check begins with."""
COLUMNS: Final = ("check", "value", "verdict", "limit", "evidence")


def show(result: GuardResult, *, include_passing: bool = False) -> None:
    """Print the answer and each check that objects; count or name those that do not.

    Args:
        result: the guard's answer.
        include_passing: print these as well, instead of counting and naming them.
    """
    console.line(guard.headline(result))
    rows = [
        row
        for row in guard.rows(result, include_passing=include_passing)
        if include_passing or row.verdict not in UNOBJECTIONABLE
    ]
    if rows:
        cells = [
            (
                row.check,
                figure_text(row.check, row.value, row.verdict),
                _emphasised(row.verdict),
                row.limit,
                row.evidence,
            )
            for row in rows
        ]
        console.table(COLUMNS, cells)
    if not include_passing:
        _count(result)


def _count(result: GuardResult) -> None:
    """Count the checks that pass, and name those that were not measured or do not apply."""
    passing = sum(item.verdict == "pass" for item in result.checks)
    if passing:
        console.line(f"{passing} more checks pass")
    if result.not_measured:
        console.line(f"not measured: {', '.join(result.not_measured)}")
    reasons: dict[str, list[str]] = {}
    for item in result.checks:
        if item.verdict == NOT_APPLICABLE:
            reasons.setdefault(item.evidence.removeprefix(PREFIX), []).append(item.name)
    for reason, names in reasons.items():
        console.line(f"not applicable, because {reason}: {', '.join(names)}")


def _emphasised(verdict: str) -> str:
    return verdict if verdict in UNOBJECTIONABLE else verdict.upper()
