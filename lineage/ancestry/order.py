"""Topological order of segments: whatever a round references comes before it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from lineage.ancestry.references import RoundId


def topological(
    references: Mapping[RoundId, AbstractSet[RoundId]],
) -> tuple[list[RoundId], list[RoundId]]:
    """Sort rounds so that each comes after the rounds that it references.

    Args:
        references: for each round, the rounds that it references; others than the keys are
            ignored.

    Returns:
        The order, ties by round, then data set; and the rounds without an order, which reference
        themselves or a descendant, or descend from such rounds.
    """
    waits = {name: len(referenced & references.keys()) for name, referenced in references.items()}
    followers: dict[RoundId, list[RoundId]] = defaultdict(list)
    for name, referenced in references.items():
        for earlier in referenced & references.keys():
            followers[earlier].append(name)
    ready = [_rank(name) for name, left in waits.items() if not left]
    heapq.heapify(ready)
    order: list[RoundId] = []
    while ready:
        number, dataset = heapq.heappop(ready)
        order.append((dataset, number))
        for name in followers[dataset, number]:
            waits[name] -= 1
            if not waits[name]:
                heapq.heappush(ready, _rank(name))
    return order, sorted(references.keys() - set(order), key=_rank)


def _rank(name: RoundId) -> tuple[int, str]:
    return name[1], name[0]
