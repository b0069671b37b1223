"""Differential entropy of points by their nearest neighbours (Kozachenko and Leonenko 1987)."""

from __future__ import annotations

from typing import Final

import numpy as np

from expectations.measures.manifold import Points, distances, radii

VERSION: Final = "entropy/1"
"""Raised when the figures change for equal input."""

NEIGHBOURS: Final = 3
"""Neighbour k whose distance counts: rows that come twice or three times have one all the same."""
LEAST: Final = 1e-9
"""Least distance that counts, of a row with k others in its place: in the unit of the points."""


def estimate(points: Points) -> float:
    """Entropy in nats: ψ(N) − ψ(k) + ln c_d + (d/N) Σ ln ε_k(i).

    c_d is the volume of the unit ball in d dimensions, ε_k(i) the distance of point i to its k-th
    neighbour. Points that draw together, or repeat, have less of it. NaN with k points or fewer.

    Args:
        points: [N, d].
    """
    from scipy.special import digamma, gammaln  # noqa: PLC0415  slow to import

    count, wide = points.shape
    if count <= NEIGHBOURS:
        return float("nan")
    apart = np.maximum(radii(distances(points, points), NEIGHBOURS), LEAST)
    ball = wide / 2 * np.log(np.pi) - gammaln(wide / 2 + 1)
    known = digamma(count) - digamma(NEIGHBOURS)
    return float(known + ball + wide * np.log(apart).mean())
