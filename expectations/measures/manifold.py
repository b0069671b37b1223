"""Precision, recall, density and coverage: how two sets of points overlap, by k-NN balls.

Precision and recall are those of Kynkäänniemi et al. 2019 (eq. 1, 2), density and coverage those
of Naeem et al. 2020 (eq. 3, 4). Each is a mean of one number per point; the functions return these
numbers, so that an interval can be found by resampling them. The balls stay as they are meanwhile:
resampled points would have themselves as neighbours.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = "manifold/1"
"""Raised when the figures change for equal input."""

NEIGHBOURS: Final = 3
"""Neighbours k of the precision and recall balls."""
NEIGHBOURS_DENSITY: Final = 5
"""Neighbours k of the density and coverage balls."""

Points = NDArray[np.float64]


def overlap(real: Points, fake: Points) -> dict[str, NDArray[np.float64]]:
    """Precision, recall, density and coverage of two sets of points, per point.

    Args:
        real: [n, d].
        fake: [m, d]; the figures compare between sets only if n and m are the same.

    Returns:
        precision [m]: 1 where a fake point lies in the ball of a real one.
        recall [n]: 1 where a real point lies in the ball of a fake one.
        density [m]: real balls around the fake point, over k; may exceed 1.
        coverage [n]: 1 where the ball of a real point holds a fake one.
        A ball reaches to the k-th neighbour in its own set.
    """
    between = distances(real, fake)
    own_real, own_fake = distances(real, real), distances(fake, fake)
    real_balls = between <= radii(own_real, NEIGHBOURS)[:, None]
    fake_balls = between <= radii(own_fake, NEIGHBOURS)[None, :]
    wide_balls = between <= radii(own_real, NEIGHBOURS_DENSITY)[:, None]
    return {
        "precision": real_balls.any(axis=0).astype(np.float64),
        "recall": fake_balls.any(axis=1).astype(np.float64),
        "density": wide_balls.sum(axis=0) / NEIGHBOURS_DENSITY,
        "coverage": wide_balls.any(axis=1).astype(np.float64),
    }


def coverage(real: Points, fake: Points) -> float:
    """Coverage: share of real points whose ball holds a fake one (Naeem et al. 2020, eq. 4)."""
    balls = radii(distances(real, real), NEIGHBOURS_DENSITY)
    return float((distances(real, fake).min(axis=1) <= balls).mean())


def recall(real: Points, fake: Points) -> float:
    """Recall: share of real points in a fake point's ball (Kynkäänniemi et al. 2019, eq. 1, 2)."""
    balls = radii(distances(fake, fake), NEIGHBOURS)
    return float((distances(real, fake) <= balls[None, :]).any(axis=1).mean())


def distances(left: Points, right: Points) -> Points:
    """Compute Euclidean distances, [n, m]."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415  slow to import

    euclidean: Points = cdist(left, right)
    return euclidean


def radii(own: Points, k: int) -> Points:
    """Distance of each point to its k-th neighbour in its own set, [n, n] to [n].

    Zero for a set of one point; of a smaller set the farthest neighbour counts.
    """
    rank = min(k, len(own) - 1)
    kth_distances: Points = np.partition(own, rank, axis=1)[:, rank]
    return kth_distances
