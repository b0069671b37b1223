"""The limits of one side of a check, and how they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lineage.limits import Limits

NO_LIMIT: Final = "none"
"""What a check says of its limits where it has none."""
_NUMBER: Final = re.compile(r"[<>]-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
"""A limit with its sign."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The warning and blocking limits of one side."""

    warn: float | None
    block: float | None


def bounds(limits: Limits, stem: str | None) -> Bounds:
    """Read the limits whose names begin with a stem; None: there are none."""
    if stem is None:
        return Bounds(None, None)
    ends = [getattr(limits, f"{stem}_{level}", None) for level in ("warn", "block")]
    return Bounds(*ends)


def words(least: Bounds, most: Bounds) -> str:
    """Write limits for a person, such as "warn <0.75 >1.25, block <0.6 >1.5"."""
    ends = {
        "warn": _signs(least.warn, most.warn),
        "block": _signs(least.block, most.block),
    }
    return ", ".join(f"{level} {signs}" for level, signs in ends.items() if signs) or NO_LIMIT


def _signs(least: float | None, most: float | None) -> str:
    pairs = [("<", least), (">", most)]
    return " ".join(f"{sign}{limit:g}" for sign, limit in pairs if limit is not None)


def read(text: str) -> Iterator[tuple[str, str, float]]:
    """Read limits back from what `words` wrote of them, as an answer of the guard holds them.

    Returns:
        For each limit `warn` or `block`, the sign `<` or `>`, and the number.
    """
    for part in text.split(", "):
        level, *signs = part.split(" ")
        for each in signs:
            if level in ("warn", "block") and _NUMBER.fullmatch(each):
                yield level, each[0], float(each[1:])
