"""Members of a training mix, by its manifest: regime, subsample, rows left out.

A mix consists of accepted rows of the rounds in its manifest. A subsample takes the lowest hashes
of a random order; the manifest states how many rows that is per round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineage import training_mix
from lineage.ancestry.views import Layout, View
from lineage.errors import MixError
from lineage.manifest import MixManifest


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rows that one round gives to a mix."""

    segment: int
    """Position of the round among the segments."""
    some: NDArray[np.bool_] | None
    """Which rows of the round are in the mix, [rows]; None: exactly the accepted ones."""

    def rows(self, layout: Layout) -> NDArray[np.bool_]:
        """Return which rows of the round are in the mix, [rows]."""
        return layout.views[self.segment].accepted() if self.some is None else self.some


def parts(layout: Layout, view: View, slot: int) -> list[Part]:
    """List what each round gives to a mix.

    Args:
        layout: the segments of the commit.
        view: the segment that references the mix.
        slot: place of the mix among `view.mixes`.

    Returns:
        By round; none where the manifest is unknown, and no rounds that the commit does not hold.

    Raises:
        MixError: the subsample was drawn by a rule that this version does not know.
    """
    mix = view.manifests[slot]
    held = rounds(layout, view, slot)
    if mix is None or is_plain(view, slot):
        return [Part(position, None) for position in held]
    masks = {position: layout.views[position].accepted() for position in held}
    _leave_out(masks, layout, view, slot, mix)
    if mix.subsample is not None:
        _thin(masks, layout, mix)
    return [Part(position, mask) for position, mask in masks.items()]


def rounds(layout: Layout, view: View, slot: int) -> list[int]:
    """List the positions of the segments that a mix drew from, as far as the commit holds them."""
    mix = view.manifests[slot]
    names = [(mix.dataset, part.round) for part in mix.rounds] if mix else []
    return [layout.positions[name] for name in names if name in layout.positions]


def is_plain(view: View, slot: int) -> bool:
    """Whether the members of a mix are exactly the accepted rows of its rounds."""
    mix = view.manifests[slot]
    return (mix is None or mix.subsample is None) and slot not in view.arrays["left_mix"]


def _leave_out(
    masks: dict[int, NDArray[np.bool_]], layout: Layout, view: View, slot: int, mix: MixManifest
) -> None:
    """Remove the rows that the mix leaves out beyond its regime."""
    mine = view.arrays["left_mix"] == slot
    numbers, ranks = view.arrays["left_round"][mine], view.arrays["left_rank"][mine]
    for number in np.unique(numbers).tolist():
        position = layout.positions.get((mix.dataset, number))
        if position in masks:
            masks[position][ranks[numbers == number]] = False


def _thin(masks: dict[int, NDArray[np.bool_]], layout: Layout, mix: MixManifest) -> None:
    """Keep only the rows that the subsample takes: the lowest hashes of each round."""
    if mix.subsample != training_mix.SUBSAMPLE or mix.seed is None:
        raise MixError(
            f"mix {mix.digest[:12]} was drawn by the rule {mix.subsample!r}, which is not known "
            f"here; known: {training_mix.SUBSAMPLE}"
        )
    for part in mix.rounds:
        position = layout.positions.get((mix.dataset, part.round))
        if position in masks:
            ranks = np.flatnonzero(masks[position])
            rows = layout.views[position].row_index.rows_at(ranks)
            taken = training_mix.lowest(training_mix.order(part.round, rows, mix.seed), part.rows)
            masks[position][ranks[~taken]] = False
