"""Fixed features: principal components of pixel vectors, fitted on real training data only.

The features are the same for all rounds of one real data set, and their digest says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = "features/1"
"""Raised when the figures change for equal input."""

EXPLAINED: Final = 0.9
"""Least share of the real variance that the components keep."""
MAX_COMPONENTS: Final = 64


@dataclass(frozen=True, slots=True)
class Features:
    """A projection of pixel vectors on principal components."""

    mean: NDArray[np.float64]
    """Mean of the real rows, [d]."""
    components: NDArray[np.float64]
    """Principal components as orthonormal rows, [k, d], by falling variance."""
    variances: NDArray[np.float64]
    """Variance of the real rows along each component, [k]."""

    def project(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Project pixel vectors [n, d] to features [n, k]."""
        projected: NDArray[np.float64] = (
            vectors.astype(np.float64) - self.mean
        ) @ self.components.T
        return projected

    def rarity(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Squared Mahalanobis distance of each row from the real mean, [n]."""
        squared: NDArray[np.float64] = (self.project(vectors) ** 2 / self.variances).sum(axis=1)
        return squared

    @property
    def digest(self) -> str:
        """SHA-256 of the projection, rounded to six digits so that processors agree."""
        digest = hashlib.sha256()
        for part in (self.mean, self.components):
            digest.update((np.round(part, 6) + 0.0).tobytes())
        return digest.hexdigest()


def fit(real: NDArray[np.float32]) -> Features:
    """Fit the projection on real training vectors [n, d].

    It keeps as few components as explain `EXPLAINED` of the variance; each is turned so that its
    largest entry is positive.
    """
    mean = real.mean(axis=0, dtype=np.float64)
    centred = real.astype(np.float64) - mean
    values, columns = np.linalg.eigh(centred.T @ centred / max(len(real) - 1, 1))
    values, rows = np.clip(values[::-1], 0, None), columns.T[::-1]
    total = values.sum()
    enough = int(np.searchsorted(np.cumsum(values), EXPLAINED * total) + 1)
    count = max(1, min(enough, MAX_COMPONENTS, len(values)))
    rows = rows[:count]
    signs = np.sign(rows[np.arange(count), np.abs(rows).argmax(axis=1)])
    floor = np.finfo(np.float64).tiny
    return Features(mean, rows * signs[:, None], np.maximum(values[:count], floor))
