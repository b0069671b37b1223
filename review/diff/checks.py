"""Named checks by which a diff fails in continuous integration."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from review.cli.output import plural
from review.diff.values import DataDiff
from review.errors import UsageError


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that a diff should not meet."""

    meaning: str
    find: Callable[[DataDiff], str | None]
    """Describes what was found in a diff; None where nothing was."""


def _rows(change: str, words: str) -> Callable[[DataDiff], str | None]:
    def find(diff: DataDiff) -> str | None:
        count = diff.changes.get(change, 0)
        return f"{count:,} {plural('row', count)} {words}" if count else None

    return find


def _schema(diff: DataDiff) -> str | None:
    named = (
        ("gained", diff.schema.added),
        ("lost", diff.schema.removed),
        ("changed type", diff.schema.retyped),
    )
    parts = [f"{what}: {', '.join(names)}" for what, names in named if names]
    return f"columns {'; '.join(parts)}" if parts else None


def _shift(diff: DataDiff) -> str | None:
    names = [shift.column for shift in diff.columns if shift.shifted]
    return f"shifted: {', '.join(names)}" if names else None


def _nulls(diff: DataDiff) -> str | None:
    columns = [
        shift.column
        for shift in diff.columns
        if all(shift.rows) and shift.absent[1] / shift.rows[1] > shift.absent[0] / shift.rows[0]
    ]
    nan = any(any(shift.nan) for shift in diff.columns if shift.column in columns)
    what = "nulls or NaN" if nan else "nulls"
    return f"a larger share of {what} in {', '.join(columns)}" if columns else None


def _lost(diff: DataDiff) -> str | None:
    losing = [shift for shift in diff.columns if shift.kind == "category" and shift.lost_count]
    parts = [f"{shift.column} ({', '.join(shift.lost)})" for shift in losing]
    return f"categories lost: {'; '.join(parts)}" if parts else None


def _guard(diff: DataDiff) -> str | None:
    if diff.guard is None or diff.guard.after != "block":
        return None
    names = [check.name for check in diff.guard.checks if check.after == "block"]
    return f"the guard blocks: {', '.join(names)}"


def _metrics(diff: DataDiff) -> str | None:
    apart = [metric.name for metric in diff.quality if metric.apart]
    return f"intervals apart: {', '.join(apart)}" if apart else None


def _conflicts(diff: DataDiff) -> str | None:
    return f"conflicts at {', '.join(diff.conflicts)}" if diff.conflicts else None


CHECKS: Final[Mapping[str, Check]] = {
    "conflicts": Check("both sides changed a path", _conflicts),
    "removed-rows": Check("rows are gone", _rows("removed", "removed")),
    "added-rows": Check("rows are new", _rows("added", "added")),
    "payload-changed": Check("rows of one key differ", _rows("changed", "changed")),
    "decisions": Check("candidates are decided otherwise", _rows("decision", "decided otherwise")),
    "verdicts": Check("candidates are judged otherwise", _rows("verdict", "judged otherwise")),
    "parents": Check("candidates have other parents", _rows("parents", "of other parents")),
    "schema": Check("columns came, went or changed type", _schema),
    "shift": Check("a column is distributed otherwise, by test and effect size", _shift),
    "nulls": Check("a column has a larger share of nulls or NaN", _nulls),
    "lost-categories": Check("a column has lost categories", _lost),
    "metrics": Check("intervals of a metric do not meet", _metrics),
    "guard": Check("the guard blocks the last round", _guard),
}


def named(names: Sequence[str]) -> dict[str, Check]:
    """Look up checks by name.

    Raises:
        UsageError: there is no such check; the message names the nearest.
    """
    for name in names:
        if name not in CHECKS:
            nearest = difflib.get_close_matches(name, CHECKS, 1, cutoff=0.0)
            raise UsageError(
                f"there is no check {name!r}; did you mean {nearest[0]!r}? "
                f"Known: {', '.join(CHECKS)}"
            )
    return {name: CHECKS[name] for name in names}


def failed(diff: DataDiff, names: Sequence[str]) -> list[str]:
    """Run some checks on a diff, and describe what each one found."""
    findings = ((name, check.find(diff)) for name, check in named(names).items())
    return [f"{diff.dataset}: {name}: {finding}" for name, finding in findings if finding]
