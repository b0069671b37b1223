"""The answers of a cache as a whole: how many, what they cost, and forgetting them on request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.llm.cache import FILE, Cache

ANSWERS: Final = ("answers", "broken", "broken_texts")
"""The tables of a cache that hold answers."""
_COSTS: Final = (
    "SELECT CASE WHEN json_valid(reply) THEN json_extract(reply, '$.dollars') END, "
    "length(CAST(digest AS BLOB)) + length(CAST(reply AS BLOB)) FROM answers"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Answers that were kept, and what asking for all of them again would cost."""

    answers: int = 0
    dollars: float = 0.0
    """Of those whose cost is known."""
    unpriced: int = 0
    """How many answers have no known cost."""
    bytes: int = 0
    batches: int = 0
    """Batches that were sent and whose answers are still to be collected."""


def count(folder: Path) -> Stored:
    """Count the answers of a cache.

    Raises:
        ServiceError: The cache cannot be read.
    """
    if not (folder / FILE).exists():
        return Stored()
    with Cache.open(folder) as cache:
        return _counted(cache)


def forget(folder: Path) -> Stored:
    """Delete all answers of a cache at once, and give their room back; return what they were.

    Records of batches stay, so that answers that were paid for and are still to come are collected.

    Raises:
        ServiceError: The cache cannot be read or written.
    """
    if not (folder / FILE).exists():
        return Stored()
    with Cache.open(folder) as cache:
        with cache.change():
            stored = _counted(cache)
            for table in ANSWERS:
                cache.connection.execute(f"DELETE FROM {table}")  # noqa: S608  a name of ours
        cache.connection.execute("VACUUM")
        cache.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return stored


def _counted(cache: Cache) -> Stored:
    answers = unpriced = size = 0
    costs = []
    for dollars, length in cache.connection.execute(_COSTS):
        answers, size = answers + 1, size + length
        is_known = isinstance(dollars, int | float) and 0 <= dollars < math.inf
        unpriced += not is_known
        costs += [float(dollars)] if is_known else []
    (batches,) = cache.connection.execute("SELECT count(*) FROM batches").fetchone()
    return Stored(answers, math.fsum(costs), unpriced, size, batches)
