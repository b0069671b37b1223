"""E2: a Gaussian that is fitted to its own samples vanishes, unless samples accumulate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.special import digamma

from experiments.experiment import Experiment, Finding, Part, Plot, mean_of, near

N, GENERATIONS, REPEATS = 20, 100, 50_000
"""Rows of a generation, generations, repeats."""
WITHIN: Final = 0.01


def log_replaced(generation: int) -> float:
    """E log v_t = t(ψ((n−1)/2) − log(n/2)) where each generation replaces the one before.

    The variance itself is (1−1/n)^t on average, of which a few lines have most; its logarithm has
    light tails (Kazdan et al. 2024).
    """
    return float(generation * (digamma((N - 1) / 2) - np.log(N / 2)))


def accumulated(generation: int) -> float:
    """E v_t = Π (1−1/(nk²)) where samples accumulate (the same)."""
    return float(np.prod([1 - 1 / (N * k**2) for k in range(1, generation + 1)]))


def limit() -> float:
    """What that converges to, sin(π/√n)/(π/√n)."""
    return float(np.sinc(1 / np.sqrt(N)))


def _replace(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    mean, variance = np.zeros(REPEATS), np.ones(REPEATS)
    curve = [(0.0, 1.0)]
    for generation in range(1, GENERATIONS + 1):
        rows = mean[:, None] + np.sqrt(variance)[:, None] * draw.standard_normal((REPEATS, N))
        mean, variance = rows.mean(axis=1), rows.var(axis=1)
        curve.append((float(generation), float(np.exp(np.log(variance).mean()))))
    return Part({"log variance": mean_of(np.log(variance))}, {"replace": curve})


def _accumulate(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    mean, variance = np.zeros(REPEATS), np.ones(REPEATS)
    total, squares = np.zeros(REPEATS), np.zeros(REPEATS)
    curve = [(0.0, 1.0)]
    for generation in range(1, GENERATIONS + 1):
        rows = mean[:, None] + np.sqrt(variance)[:, None] * draw.standard_normal((REPEATS, N))
        total += rows.sum(axis=1)
        squares += np.square(rows).sum(axis=1)
        mean = total / (N * generation)
        variance = squares / (N * generation) - np.square(mean)
        curve.append((float(generation), float(variance.mean())))
    return Part({"variance": mean_of(variance)}, {"accumulate": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the variance of the last generation against the formulas."""
    log, kept = parts["replace"].figures["log variance"], parts["accumulate"].figures["variance"]
    return [
        near("log of the variance, replace", log, log_replaced(GENERATIONS), WITHIN),
        near("variance, accumulate", kept, accumulated(GENERATIONS), WITHIN),
        near("variance, accumulate, and its limit", kept, limit(), WITHIN),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Variances by generation."""
    steps = range(GENERATIONS + 1)
    lines = {
        "replace": [(float(t), float(np.exp(log_replaced(t)))) for t in steps],
        "accumulate": [(float(t), accumulated(t)) for t in steps],
    }
    marks = {name: parts[name].curves[name][::10] for name in lines}
    return Plot("generation", "variance (of replace: geometric mean)", marks, lines, log_y=True)


EXPERIMENT: Final = Experiment(
    name="E2",
    version=1,
    title="The variance of a fitted Gaussian vanishes, and is kept where samples accumulate",
    paper=(
        "[Shumailov et al. 2024](https://doi.org/10.1038/s41586-024-07566-y), "
        "[Kazdan et al. 2024](https://arxiv.org/abs/2410.16713)"
    ),
    setup=f"Mean and variance of {N} rows, {GENERATIONS} generations, {REPEATS:,} repeats",
    parts={"replace": _replace, "accumulate": _accumulate},
    conclude=conclude,
    plot=plot,
)
