"""How many candidates of each label are asked for: equally many, as said, or to balance the mix."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import GeneratorError


def numbers(
    labels: Sequence[str],
    candidates: int,
    classes: Mapping[str, int],
    had: Sequence[float] | None = None,
) -> NDArray[np.int64]:
    """Number the label of each candidate, in no particular order.

    Args:
        labels: that can be asked for.
        candidates: how many.
        classes: how many of each label; empty: as `had` says.
        had: what the mix has of each label, which the candidates balance; None: they are even.

    Returns:
        [candidates], numbers of `labels`.

    Raises:
        GeneratorError: the classes are other than `candidates` in all.
    """
    if classes:
        check(classes, candidates)
        counts = [classes.get(label, 0) for label in labels]
        return np.repeat(np.arange(len(labels)), counts)
    if had is not None:
        return np.asarray(_lowest_first(had, candidates), dtype=np.int64)
    return np.resize(np.arange(len(labels)), candidates)


def check(classes: Mapping[str, int], candidates: int) -> None:
    """Check that the classes are as many as the candidates.

    Raises:
        GeneratorError: they are not.
    """
    total = sum(classes.values())
    if classes and total != candidates:
        raise GeneratorError(
            f"classes ask for {total:,} candidates in all, and generate.candidates is "
            f"{candidates:,}; make them equal"
        )


def _lowest_first(had: Sequence[float], candidates: int) -> list[int]:
    """Give each candidate the label of which there is least so far, the first of equal ones."""
    levels = [(amount, number) for number, amount in enumerate(had)]
    heapq.heapify(levels)
    chosen = []
    for _ in range(candidates):
        amount, number = heapq.heappop(levels)
        heapq.heappush(levels, (amount + 1, number))
        chosen.append(number)
    return chosen
