"""What became of the rows that a generator was asked for, as a round's manifest records it.

A planned row is a slot: a candidate stands in it, or something is said of why none does. So what a
round lost before its candidates were judged can be told long after (`pipelines/inquiry/losses`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake.visible import shorten

SECTION: Final = "slots"
"""Section of a round's manifest; rounds of earlier releases and rounds of real rows have none."""
REASONS: Final = 20
"""Reasons that are named, the most frequent first; the others are counted together."""
OTHERS: Final = "other reasons"
NOT_SAID: Final = "the generator gave no row and no reason"


@dataclass(frozen=True, slots=True)
class Slots:
    """Rows that a round planned, and those that were asked for."""

    planned: int
    """Rows of all shards of the plan."""
    reached: int
    """Rows of the shards that were made; the others were lost, or never wanted."""


def section(
    slots: Slots, made: int, unmade: Mapping[str, int], lost: int, denied: int = 0
) -> dict[str, Any]:
    """Describe the slots of a round for its manifest, so that with its candidates they add up.

    Args:
        slots: of the round.
        made: its candidates.
        unmade: `GenerateReport.unmade`.
        lost: rows of shards that were lost.
        denied: candidates that were left out because they were taken down, which are told apart.

    Returns:
        `planned`, `lost`, `never_asked`, and under `failed` the rows without a candidate by reason.
    """
    missing = max(slots.reached - made - denied, 0)
    return {
        "planned": slots.planned,
        "lost": lost,
        "never_asked": slots.planned - slots.reached - lost,
        "failed": [
            {"why": why, "rows": rows} for why, rows in _named(_complete(unmade, missing)).items()
        ],
    }


def _complete(unmade: Mapping[str, int], missing: int) -> Counter[str]:
    """The reasons of so many missing rows, which a generator may not, or not rightly, have given.

    A round that was paid for does not fail over this account, so reasons of more rows than are
    missing are left out.
    """
    given = Counter({why: rows for why, rows in unmade.items() if rows > 0})
    rest = missing - given.total()
    if rest < 0:
        return Counter({NOT_SAID: missing} if missing else {})
    return given + Counter({NOT_SAID: rest} if rest else {})


def _named(reasons: Counter[str]) -> dict[str, int]:
    """The most frequent reasons, in words of bounded length, and the others together."""
    first = Counter[str]()
    for why, rows in reasons.most_common(REASONS):
        first[shorten(why)] += rows
    if rest := reasons.total() - first.total():
        first[OTHERS] += rest
    return dict(first)
