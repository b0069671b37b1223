"""The order of segments: whatever a round names comes before it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from lineage.ancestry.references import RoundId


def topological(
    named: Mapping[RoundId, AbstractSet[RoundId]],
) -> tuple[list[RoundId], list[RoundId]]:
    """Sort rounds so that each comes after the rounds that it references.

    Args:
        named: for each round, the rounds that it names; those that are no keys are ignored.

    Returns:
        The order, ties by round, then data set; and what cannot be put in order, since it names
        itself or rounds that descend from it, or descends from such rounds.
    """
    waits = {name: len(referenced & named.keys()) for name, referenced in named.items()}
    followers: dict[RoundId, list[RoundId]] = defaultdict(list)
    for name, referenced in named.items():
        for earlier in referenced & named.keys():
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
    return order, sorted(named.keys() - set(order), key=_rank)


def _rank(name: RoundId) -> tuple[int, str]:
    return name[1], name[0]
