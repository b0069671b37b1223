"""The Fréchet distance of Gaussians fitted to points (Dowson & Landau 1982, Heusel et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def frechet(left: Points, right: Points) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), the squared distance, of [n, d] and [m, d]."""
    return gaussian(left.mean(axis=0), covariance(left), right.mean(axis=0), covariance(right))


def gaussian(mean: Points, cov: Points, mean_2: Points, cov_2: Points) -> float:
    """Compute the distance of two Gaussians with mean [d] and covariance [d, d].

    The trace of the root is taken from the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric.
    """
    values, columns = np.linalg.eigh(cov)
    half = columns * np.sqrt(np.clip(values, 0, None)) @ columns.T
    between = np.sqrt(np.clip(np.linalg.eigvalsh(half @ cov_2 @ half), 0, None)).sum()
    gap = mean - mean_2
    return max(0.0, float(gap @ gap + np.trace(cov) + np.trace(cov_2) - 2 * between))


def covariance(points: Points) -> Points:
    """Compute the unbiased covariance [d, d] of [n, d]; zero for a single point."""
    centred = points - points.mean(axis=0)
    matrix: Points = centred.T @ centred / max(len(points) - 1, 1)
    return matrix
