"""What a diff can be stopped for: named checks for continuous integration."""

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
    found: Callable[[DataDiff], str | None]
    """What was found, in words; None where nothing was."""


def _rows(kind: str, words: str) -> Callable[[DataDiff], str | None]:
    def found(diff: DataDiff) -> str | None:
        count = diff.changes.get(kind, 0)
        return f"{count:,} {plural('row', count)} {words}" if count else None

    return found


def _schema(diff: DataDiff) -> str | None:
    named = (
        ("gained", diff.schema.added),
        ("lost", diff.schema.removed),
        ("changed type", diff.schema.retyped),
    )
    said = [f"{what}: {', '.join(names)}" for what, names in named if names]
    return f"columns {'; '.join(said)}" if said else None


def _shift(diff: DataDiff) -> str | None:
    names = [each.column for each in diff.columns if each.shifted]
    return f"shifted: {', '.join(names)}" if names else None


def _nulls(diff: DataDiff) -> str | None:
    worse = [
        each.column
        for each in diff.columns
        if all(each.rows) and each.nulls[1] / each.rows[1] > each.nulls[0] / each.rows[0]
    ]
    return f"a larger share of nulls in {', '.join(worse)}" if worse else None


def _lost(diff: DataDiff) -> str | None:
    losing = [each for each in diff.columns if each.kind == "category" and each.lost_count]
    said = [f"{each.column} ({', '.join(each.lost)})" for each in losing]
    return f"categories lost: {'; '.join(said)}" if said else None


def _guard(diff: DataDiff) -> str | None:
    if diff.guard is None or diff.guard.after != "block":
        return None
    names = [each.name for each in diff.guard.checks if each.after == "block"]
    return f"the guard blocks: {', '.join(names)}"


def _metrics(diff: DataDiff) -> str | None:
    apart = [each.name for each in diff.quality if each.apart]
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
    "nulls": Check("a column has a larger share of nulls", _nulls),
    "lost-categories": Check("a column has lost categories", _lost),
    "metrics": Check("intervals of a metric do not meet", _metrics),
    "guard": Check("the guard blocks the last round", _guard),
}


def named(names: Sequence[str]) -> dict[str, Check]:
    """The checks of some names.

    Raises:
        UsageError: there is no such check; the message names the nearest.
    """
    for name in names:
        if name not in CHECKS:
            near = difflib.get_close_matches(name, CHECKS, 1, cutoff=0.0)
            raise UsageError(
                f"there is no check {name!r}; did you mean {near[0]!r}? Known: {', '.join(CHECKS)}"
            )
    return {name: CHECKS[name] for name in names}


def failed(diff: DataDiff, names: Sequence[str]) -> list[str]:
    """What some checks found in a diff, one sentence each."""
    told = ((name, each.found(diff)) for name, each in named(names).items())
    return [f"{diff.dataset}: {name}: {said}" for name, said in told if said]
