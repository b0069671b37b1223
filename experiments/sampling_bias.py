"""E7: samples that are made a little more typical lose variance by the same share each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from experiments.experiment import Experiment, Finding, Part, Plot, mean_of, near

D, N, BIAS, GENERATIONS, REPEATS = 4, 1000, 0.9, 10, 200
WITHIN: Final = 0.03


def variance(generation: int) -> float:
    """Σ_t = λ^t·Σ_0 where samples have λ of the covariance (Alemohammad et al. 2023)."""
    return float(BIAS**generation)


def _replace(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    mean, root = np.zeros((REPEATS, 1, D)), np.tile(np.eye(D), (REPEATS, 1, 1))
    curve = [(0.0, 1.0)]
    for generation in range(1, GENERATIONS + 1):
        rows = mean + np.sqrt(BIAS) * draw.standard_normal((REPEATS, N, D)) @ root
        mean = rows.mean(axis=1, keepdims=True)
        apart = rows - mean
        covariance = apart.transpose(0, 2, 1) @ apart / (N - 1)
        root = np.linalg.cholesky(covariance).transpose(0, 2, 1)
        total = np.trace(covariance, axis1=1, axis2=2) / D
        curve.append((float(generation), float(total.mean())))
    return Part({"variance": mean_of(total)}, {"replace": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the total variance of the last generation against the formula."""
    ours = parts["replace"].figures["variance"]
    return [near("total variance over that of real rows", ours, variance(GENERATIONS), WITHIN)]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Total variances by generation."""
    lines = {"replace": [(float(t), variance(t)) for t in range(GENERATIONS + 1)]}
    return Plot(
        "generation", "total variance", {"replace": parts["replace"].curves["replace"]}, lines
    )


EXPERIMENT: Final = Experiment(
    name="E7",
    version=1,
    title="Biased sampling shrinks the variance geometrically",
    paper="[Alemohammad et al. 2023](https://arxiv.org/abs/2307.01850)",
    setup=(
        f"Gaussians in {D} dimensions by {N:,} rows, samples with {BIAS} of the covariance, "
        f"{GENERATIONS} generations that replace one another, {REPEATS} repeats"
    ),
    parts={"replace": _replace},
    conclude=conclude,
    plot=plot,
)
