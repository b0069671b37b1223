"""Figures of a mix from the derived values of its members.

They are those of `lineage.training_mix`: by weight, the share of real rows, the probability that
a backward walk ends at a real sample, and the depths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineage.ancestry import membership
from lineage.ancestry.views import Layout, View

Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over some rows of a segment."""

    real: float
    """Number of real rows."""
    others: float
    ending: float
    """Sum over the other rows of the probability that a walk ends at a real sample."""
    length: float
    """Sum over the other rows of that probability times mean depth."""
    low: float
    """Least depth of all rows; infinity where none is known."""
    high: float
    """Greatest depth of all rows; minus infinity where none is known."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a mix, derived from its members."""

    held: int
    """Number of members that the commit holds."""
    real_share: float
    real_roots: float
    depth_mean: float | None
    depth_min: int | None
    depth_max: int | None

    def model(self) -> list[float]:
        """Return the figures as the row of `models` that `kernels.derive` takes."""
        depths = (self.depth_mean, self.depth_min, self.depth_max)
        given = zip(depths, (0.0, np.inf, -np.inf), strict=True)
        return [self.real_share, self.real_roots, *(no if it is None else it for it, no in given)]


NOTHING: Final = (0.0, 0.0, 0.0, 0.0, np.inf, -np.inf)
"""Sums over no rows."""
OPAQUE: Final = Figures(0, 0.0, 0.0, None, None, None)
"""Figures of a mix of which nothing is known."""


def sums(view: View, values: NDArray[np.float64], rows: Rows) -> Sums:
    """Sum up some rows of a segment.

    Args:
        view: the segment.
        values: [rows, 4] of the segment, as `kernels.derive` leaves them.
        rows: which of them.
    """
    real = view.real() & rows
    others = values[rows & ~real]
    low = float(others[:, 2].min(initial=np.inf))
    high = float(others[:, 3].max(initial=-np.inf))
    count = int(real.sum())
    return Sums(
        real=count,
        others=len(others),
        ending=float(others[:, 0].sum()),
        length=float(others[:, 0] @ others[:, 1]),
        low=min(low, 0.0) if count else low,
        high=max(high, 0.0) if count else high,
    )


def figures(
    layout: Layout,
    view: View,
    slot: int,
    values: NDArray[np.float64],
    accepted: Sequence[Sums],
) -> Figures:
    """Compute the figures of a mix.

    Args:
        layout: the segments of the commit.
        view: the segment that references the mix.
        slot: place of the mix among `view.mixes`.
        values: [rows of the commit, 4] or more, as `kernels.derive` leaves them.
        accepted: the sums over the accepted rows of the segments before this one.

    Raises:
        MixError: the subsample was drawn by a rule that this version does not know.
    """
    mix = view.manifests[slot]
    if mix is None:
        return OPAQUE
    parts = [
        accepted[part.segment]
        if part.some is None
        else sums(layout.views[part.segment], values[layout.slice(part.segment)], part.some)
        for part in membership.parts(layout, view, slot)
    ]
    return _weigh(parts, mix.real_weight)


def _weigh(parts: Sequence[Sums], real_weight: float) -> Figures:
    held = sum(part.real + part.others for part in parts)
    if not held:
        return OPAQUE
    real = real_weight * sum(part.real for part in parts)
    total = real + sum(part.others for part in parts)
    ending = real + sum(part.ending for part in parts)
    return Figures(
        held=int(held),
        real_share=real / total,
        real_roots=min(ending / total, 1.0),
        depth_mean=sum(part.length for part in parts) / ending if ending else None,
        depth_min=_whole(min(part.low for part in parts)),
        depth_max=_whole(max(part.high for part in parts)),
    )


def _whole(depth: float) -> int | None:
    return int(depth) if np.isfinite(depth) else None
