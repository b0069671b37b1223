"""What each candidate is made of: drawn for each row alone, whatever shard it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.generators.augment.settings import ImageEdits
from pipelines.generators.pool import Pool
from pipelines.generators.protocol import STAGE, GenerateRequest

STEPS: Final = 1024
"""Shares are multiples of one over this, so that the weights of two parents add up to 1 exactly."""

Method = Literal["edit", "mixup", "cutmix"]


@dataclass(frozen=True, slots=True)
class Draw:
    """The sources of a candidate."""

    row: int
    method: Method
    first: int
    """Place of its source in the pool."""
    second: int | None = None
    """Place of the source that is mixed with the first one."""
    share: float = 0.0
    """Of the second source, in (0, 1)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The sources of all candidates of a round."""

    draws: tuple[Draw, ...]
    alone: int
    """Candidates that were to be mixed, and whose source is the only one of its label."""


class Partners:
    """Draws rows of a pool by their weights, all of them or those of a label."""

    def __init__(self, pool: Pool, *, same_label: bool) -> None:
        """Sort the rows by label, or take them as one group."""
        group = pool.label if same_label else np.zeros(len(pool.payload), dtype=np.int64)
        self._all = pool.weights.cumsum()
        self._weights = pool.weights
        self._group = group
        self._members = {int(each): np.flatnonzero(group == each) for each in np.unique(group)}
        self._sums = {each: pool.weights[rows].cumsum() for each, rows in self._members.items()}

    def first(self, draw: np.random.Generator) -> int:
        """Draw a row."""
        return _at(self._all, draw.random() * self._all[-1])

    def second(self, first: int, draw: np.random.Generator) -> int | None:
        """Draw another row of its group; None where there is none."""
        group = int(self._group[first])
        members, sums = self._members[group], self._sums[group]
        point = draw.random()
        if len(members) == 1:
            return None
        own = int(np.searchsorted(members, first))
        before = float(sums[own] - self._weights[first])
        point *= float(sums[-1] - self._weights[first])
        place = _at(sums, point if point < before else point + self._weights[first])
        return int(members[place if place != own else (own + 1) % len(members)])


def of_images(request: GenerateRequest[Any], pool: Pool, edits: ImageEdits) -> Drawn:
    """Draw the sources of all candidates of a round of images."""
    partners = Partners(pool, same_label=edits.mixed_labels == "same")
    draws = [_of_image(row, partners, edits, generator(request, row, "sources"))
             for row in range(request.candidates)]  # fmt: skip
    alone = sum(each.method != "edit" and each.second is None for each in draws)
    edited = (
        each if each.second is not None else Draw(each.row, "edit", each.first) for each in draws
    )
    return Drawn(tuple(edited), alone)


def of_texts(request: GenerateRequest[Any], pool: Pool) -> Drawn:
    """Draw the source of each candidate of a round of texts."""
    partners = Partners(pool, same_label=False)
    draws = (
        Draw(row, "edit", partners.first(generator(request, row, "sources")))
        for row in range(request.candidates)
    )
    return Drawn(tuple(draws), 0)


def generator(request: GenerateRequest[Any], row: int, what: str) -> np.random.Generator:
    """Make the random generator of a candidate.

    Args:
        request: the round.
        row: of the candidate.
        what: the choices are about.
    """
    parts = (request.dataset, request.round, STAGE, "augment", what, row)
    return np.random.default_rng(derive_seed(request.seed, *parts))


def _of_image(row: int, partners: Partners, edits: ImageEdits, draw: np.random.Generator) -> Draw:
    point, first = draw.random(), partners.first(draw)
    if point >= edits.mixup + edits.cutmix:
        return Draw(row, "edit", first)
    method: Method = "mixup" if point < edits.mixup else "cutmix"
    share = round(draw.beta(edits.alpha, edits.alpha) * STEPS)
    bounded = min(max(share, 1), STEPS - 1) / STEPS
    return Draw(row, method, first, partners.second(first, draw), bounded)


def _at(sums: NDArray[np.float64], point: float) -> int:
    """Find the place of a point among cumulated weights."""
    return min(int(np.searchsorted(sums, point, side="right")), len(sums) - 1)
