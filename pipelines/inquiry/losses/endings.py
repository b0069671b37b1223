"""How rows end: one outcome each, with the stage and the reason, so that counts add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

ACCEPTED: Final = "accepted"
OVERRIDDEN: Final = "overridden"
"""Accepted, in a round that was published although the guard blocks it."""
REJECTED: Final = "rejected"
SURPLUS: Final = "surplus"
FAILED: Final = "failed"
NEVER_ASKED: Final = "never asked"
SUPERSEDED: Final = "superseded"
TAKEN_DOWN: Final = "taken down"
HELD_OUT: Final = "held out"
"""A real row that is in the hold-out."""
UNDECIDED: Final = "undecided"
"""Of a round that is not at its end: the stage that decides has not run."""
OUTCOMES: Final = (
    ACCEPTED,
    OVERRIDDEN,
    HELD_OUT,
    UNDECIDED,
    REJECTED,
    SURPLUS,
    FAILED,
    NEVER_ASKED,
    SUPERSEDED,
    TAKEN_DOWN,
)
"""In the order in which they are shown."""
PREFIX: Final = 12
"""Hex digits by which a sample is named; `stemma audit` accepts 8 or more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Rows that ended in the same way."""

    outcome: str
    rows: int
    stage: str = ""
    """The stage in which they ended; empty where the outcome says it."""
    reason: str = ""
    also: int | None = None
    """Rows that this reason was given of, as one of several reasons too; None: it is no reason of a
    verdict."""
    examples: tuple[str, ...] = ()
    """Beginnings of the ids of the first of them."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "outcome": self.outcome,
            "stage": self.stage or None,
            "reason": self.reason or None,
            "rows": self.rows,
            "with_this_reason": self.also,
            "examples": list(self.examples),
        }


@dataclass(frozen=True, slots=True)
class VersionBefore:
    """The rows that main held before a round was published."""

    commit: str
    rows: int
    endings: tuple[Ending, ...]

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "commit": self.commit,
            "rows": self.rows,
            "endings": [each.to_dict() for each in self.endings],
        }


@dataclass(frozen=True, slots=True)
class RoundLosses:
    """What became of every row that a round planned."""

    dataset: str
    round: int
    commit: str
    state: str
    planned: int | None
    """None where the round does not record it, as those of earlier releases do not."""
    made: int
    """Candidates, by the round's manifest."""
    unmade: tuple[Ending, ...]
    """Of planned rows that became no candidate."""
    judged: tuple[Ending, ...]
    """Of candidates."""
    before: VersionBefore | None = None
    """None of a round that is not on main."""
    told: str = ""
    """What is to be known of the round as a whole, such as who overrode the guard and why."""

    @property
    def endings(self) -> tuple[Ending, ...]:
        """All endings, in the order of `OUTCOMES` and the most frequent first."""
        every = (*self.judged, *self.unmade)
        return tuple(sorted(every, key=lambda each: (OUTCOMES.index(each.outcome), -each.rows)))

    @property
    def total(self) -> int:
        """Rows of all endings."""
        return total(self.endings)

    def by_outcome(self) -> dict[str, int]:
        """Rows by outcome, in the order of `OUTCOMES`; outcomes that no row has are left out."""
        counts = {
            name: total(each for each in self.endings if each.outcome == name) for name in OUTCOMES
        }
        return {name: rows for name, rows in counts.items() if rows}

    def fault(self) -> str | None:
        """Say which numbers do not add up; None if all do."""
        of = f"round {self.round} of {self.dataset} at {self.commit[:12]}"
        if self.planned is not None and self.total != self.planned:
            return f"{of} planned {self.planned:,} rows, and {self.total:,} are accounted for"
        judged = total(self.judged)
        if judged != self.made:
            return f"{of} has {self.made:,} candidates, and {judged:,} are accounted for"
        if self.before is not None and total(self.before.endings) != self.before.rows:
            return (
                f"main held {self.before.rows:,} rows before {of}, and "
                f"{total(self.before.endings):,} are accounted for"
            )
        return None

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "dataset": self.dataset,
            "round": self.round,
            "commit": self.commit,
            "state": self.state,
            "about": self.told or None,
            "planned": self.planned,
            "candidates": self.made,
            "accounted_for": self.total,
            "adds_up": self.fault() is None,
            "outcomes": self.by_outcome(),
            "endings": [each.to_dict() for each in self.endings],
            "before": None if self.before is None else self.before.to_dict(),
        }


def total(endings: Iterable[Ending]) -> int:
    """Rows of some endings."""
    return sum(each.rows for each in endings)
