"""The report of the guard's answer about a round on the terminal."""

from __future__ import annotations

from typing import Final

from lineage import guard
from lineage.evidence import NOT_APPLICABLE, UNOBJECTIONABLE
from lineage.guard import GuardResult, Row
from pipelines.common import console

COLUMNS: Final = ("check", "value", "verdict", "limit", "evidence")


def show(result: GuardResult, *, include_passing: bool = False) -> None:
    """Print the answer, each check that does not pass, and the number of those that pass.

    Args:
        result: the guard's answer.
        include_passing: print the checks that pass as well, instead of counting them.
    """
    console.line(guard.headline(result))
    rows = guard.rows(result, include_passing=include_passing)
    if rows:
        cells = [
            (row.check, _number(row), _emphasised(row.verdict), row.limit, row.evidence)
            for row in rows
        ]
        console.table(COLUMNS, cells, numeric=("value",))
    if len(rows) < len(result.checks):
        console.line(f"{len(result.checks) - len(rows)} more checks pass")


def _emphasised(verdict: str) -> str:
    return verdict if verdict in UNOBJECTIONABLE else verdict.upper()


def _number(row: Row) -> str:
    """Format a figure with three decimals, without a minus sign before zero."""
    if row.value is None:
        return "–" if row.verdict == NOT_APPLICABLE else "unknown"
    return f"{round(row.value, 3) + 0.0:.3f}"
