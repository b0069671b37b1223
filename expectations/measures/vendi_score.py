"""Vendi score: how many different rows there are in effect.

It depends on the number of rows, so it compares only at equal numbers of rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from expectations.errors import CannotJudge
from expectations.measures import manifold
from expectations.measures.manifold import Points

VERSION: Final = "vendi_score/1"
"""Raised when the figures change for equal input."""

SCALE_ROWS: Final = 500
"""Number of real rows whose distances give the width of the kernel."""


def compute(points: Points, width: float) -> float:
    """Vendi score: the effective number of different rows, in [1, n] (Friedman & Dieng 2023).

    It is exp(−Σ λ_i log λ_i), λ the eigenvalues of K/n, with the Gaussian kernel
    K_ij = exp(−|x_i − x_j|² / (2·width²)).

    Args:
        points: [n, d].
        width: width of the kernel, in the unit of the points.
    """
    apart = manifold.distances(points, points) / width
    values = np.linalg.eigvalsh(np.exp(-(apart**2) / 2) / len(points))
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


def kernel_width(real: Points) -> float:
    """Median distance between the first `SCALE_ROWS` real points, [m, d].

    Raises:
        CannotJudge: the median is 0.
    """
    few = real[:SCALE_ROWS]
    apart = manifold.distances(few, few)[np.triu_indices(len(few), 1)]
    median = float(np.median(apart)) if len(apart) else 0.0
    if median == 0:
        raise CannotJudge("most real rows are the same, so there is no unit of distance")
    return median
