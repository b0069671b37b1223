"""Diversity of meaning: how many clusters of real rows a set is spread over, in effect.

Surface measures count words, and a paraphrase has new ones. Here rows count by which cluster of
real vectors they are nearest to, and the figure is the exponential of Shannon's entropy of the
clusters' shares, a Hill number of order one (Hill 1973). Such a number grows with the rows that are
counted, so it is rarefied: as expected of so many rows, drawn without replacement (Hurlbert 1971).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures.manifold import Points, distances

VERSION: Final = "meaning/1"
"""Raised when the figures change for equal input."""

DRAWS: Final = 200
"""Draws whose mean is the rarefied figure."""


def centres(real: Points, clusters: int, seed: int) -> Points:
    """Find centres of clusters of real rows by k-means, [clusters, d].

    Args:
        real: [n, d], at least as many rows as clusters.
        clusters: how many.
        seed: of the first centres.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415  slow to import

    fitted = KMeans(clusters, n_init=1, random_state=seed % (1 << 32)).fit(real)
    found: Points = fitted.cluster_centers_.astype(np.float64)
    return found


def counts(points: Points, nearest: Points) -> NDArray[np.int64]:
    """Count the rows that are nearest to each centre, [clusters]."""
    at = distances(points, nearest).argmin(axis=1)
    return np.bincount(at, minlength=len(nearest)).astype(np.int64)


def effective(of_clusters: NDArray[np.int64]) -> float:
    """Effective number of clusters, exp(−Σ p ln p), in [1, clusters]."""
    shares = of_clusters[of_clusters > 0] / of_clusters.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def rarefied(of_clusters: NDArray[np.int64], rows: int, seed: int) -> float:
    """Effective number of clusters of so many rows; NaN where there are fewer.

    Args:
        of_clusters: rows of each cluster.
        rows: that are drawn without replacement.
        seed: of the draws.
    """
    if of_clusters.sum() < rows:
        return float("nan")
    draw = np.random.default_rng(seed)
    drawn = draw.multivariate_hypergeometric(of_clusters, rows, size=DRAWS)
    return float(np.mean([effective(each) for each in drawn]))
