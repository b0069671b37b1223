"""Clipped density and clipped coverage: fidelity and coverage that fall in step with bad samples.

A ball that reaches far because its own point is an outlier takes in fakes that are near to nothing,
and a ball full of fakes stands for no more than one that has its share. So the radii of density are
clipped at their median, and every count at its expectation (arXiv:2507.01761, ICLR 2026). Both
figures are near 1 for as many real rows, and fall by as much as the share of fakes that are bad;
recall and coverage stay up as long as a few fakes are near each real row. They are written from the
paper's formulas.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from expectations.measures.manifold import Points, distances, radii

VERSION: Final = "clipped/1"
"""Raised when the figures change for equal input."""

NEIGHBOURS: Final = 5
"""Neighbours K of the balls."""


def density(real: Points, fake: Points) -> float:
    """Clipped density: mean over fakes of min(1, balls around it / K), over that of real rows.

    A ball around a real row reaches to its K-th real neighbour, at most as far as the median of
    these distances. A real row does not count its own ball. The ratio is clipped at 1; NaN where
    real rows lie in no ball but their own.

    Args:
        real: [n, d].
        fake: [m, d].
    """
    own = distances(real, real)
    reach = radii(own, NEIGHBOURS)
    reach = np.minimum(reach, np.median(reach))[:, None]
    inside = (own <= reach) & ~np.eye(len(real), dtype=bool)
    of_real = _clipped_mean(inside.sum(axis=0))
    if of_real == 0:
        return float("nan")
    return min(1.0, _clipped_mean((distances(real, fake) <= reach).sum(axis=0)) / of_real)


def coverage(real: Points, fake: Points) -> float:
    """Clipped coverage, calibrated: the share of good fakes that would cover the real rows as well.

    u is the mean over real rows of min(K, fakes nearer than the K-th real neighbour) / K. Of m good
    fakes among N real rows B ~ BetaBinomial(m; K, N − K) lie in a ball, which gives
    f(m) = E[min(B, K)] / K, and the figure is the share of m = 0, …, M with f(m) < u, M the number
    of fakes. Where K real rows or fewer are there, it is NaN.

    Args:
        real: [N, d].
        fake: [M, d].
    """
    if len(real) <= NEIGHBOURS:
        return float("nan")
    reach = radii(distances(real, real), NEIGHBOURS)[:, None]
    covered = _clipped_mean((distances(real, fake) < reach).sum(axis=1))
    return float((expected_coverage(len(real), len(fake)) < covered).mean())


def expected_coverage(real: int, fakes: int) -> Points:
    """Expected u of m = 0, …, `fakes` good fakes beside so many real rows, [fakes + 1]."""
    from scipy.stats import betabinom  # noqa: PLC0415  slow to import

    counts = np.arange(fakes + 1)[:, None]
    fewer = np.arange(NEIGHBOURS)[None, :]
    chances = betabinom.pmf(fewer, counts, NEIGHBOURS, real - NEIGHBOURS)
    expected: Points = 1 - (chances * (NEIGHBOURS - fewer)).sum(axis=1) / NEIGHBOURS
    return expected


def _clipped_mean(counts: Points) -> float:
    return float(np.minimum(counts / NEIGHBOURS, 1.0).mean())
