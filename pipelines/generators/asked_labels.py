"""Labels that a round asks no candidate of, as it makes fewer candidates than there are labels.

Each label is asked for equally often, in their order; where candidates are fewer than labels, those
beyond the number of candidates get none. The round goes on, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lake.visible import visible
from pipelines.common import console

FACT: Final = "labels_not_asked"
"""What the round's manifest calls them."""
NAMED: Final = 10
"""Labels that a message names."""


def not_asked(labels: Sequence[Any], candidates: int) -> list[Any]:
    """Return the labels that get no candidate.

    Args:
        labels: in the order in which they are asked for.
        candidates: of the round.
    """
    return list(labels[candidates:])


def facts(left_out: Sequence[Any]) -> dict[str, Any]:
    """Return what the manifest says of them: nothing where all labels are asked for."""
    return {FACT: list(left_out)} if left_out else {}


def say(left_out: Sequence[Any], labels: int) -> None:
    """Say which labels get no candidate, and what to do.

    Args:
        left_out: those labels.
        labels: how many there are.
    """
    if not left_out:
        return
    shown = ", ".join(visible(str(each)) for each in left_out[:NAMED])
    more = f" and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
    console.line(
        f"{labels - len(left_out):,} candidates are fewer than the {labels:,} labels, so none is "
        f"asked for of {shown}{more}; raise generate.candidates to {labels:,} or more"
    )
