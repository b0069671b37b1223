"""E6: how much a real row should weigh beside k synthetic ones, where each round has fresh ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from experiments.experiment import Experiment, Finding, Part, Plot, mean_of, near

N, RATIOS, GENERATIONS, REPEATS = 5, (1, 4, 9), 20, 120_000
"""Real rows of a round, synthetic rows for each of them, rounds, repeats."""
OFFSETS: Final = (-0.2, -0.1, 0.0, 0.1, 0.2)
"""Weights that are tried, less the best one."""
WITHIN: Final = 0.02


def best_weight(k: float) -> float:
    """Weight of the real rows that makes the error least, (√(1+4k)−1)/(2k) (He et al. 2025)."""
    return float((np.sqrt(1 + 4 * k) - 1) / (2 * k))


def error(weight: float, k: float) -> float:
    """Variance of the mean in the long run, over that of n real rows alone.

    It is the fixed point of v = w² + (1−w)²(v + 1/k); at the best weight it equals that weight.
    """
    kept = (1 - weight) ** 2
    return (weight**2 + kept / k) / (1 - kept)


def _part(k: int, seed: int) -> Part:
    """Estimate a mean of 0 round after round, with each weight on the same rows."""
    draw = np.random.default_rng(seed)
    weights = best_weight(k) + np.asarray(OFFSETS)[:, None]
    models = np.zeros((len(OFFSETS), REPEATS))
    for _ in range(GENERATIONS):
        real = draw.standard_normal((REPEATS, N)).mean(axis=1)
        noise = draw.standard_normal((REPEATS, k * N)).mean(axis=1)
        models = weights * real + (1 - weights) * (models + noise)
    errors = N * np.square(models)
    best = errors[OFFSETS.index(0.0)]
    figures = {"error": mean_of(best)} | {
        f"{offset:+g}": mean_of(each - best)
        for offset, each in zip(OFFSETS, errors, strict=True)
        if offset
    }
    curve = [(float(w), float(e)) for w, e in zip(weights[:, 0], errors.mean(axis=1), strict=True)]
    return Part(figures, {"error": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the error at the best weight against it, and show that more and less are worse."""
    found = []
    for k in RATIOS:
        figures, best = parts[f"k = {k}"].figures, best_weight(k)
        found.append(near(f"error at the best weight, k = {k}", figures["error"], best, WITHIN))
        for offset in (-0.1, 0.1):
            more = figures[f"{offset:+g}"]
            found.append(
                Finding(
                    f"error at {offset:+g}, less that at the best, k = {k}",
                    more,
                    error(best + offset, k) - error(best, k),
                    "more than 0 with its interval",
                    more.low > 0,
                )
            )
    return found


def plot(parts: Mapping[str, Part]) -> Plot:
    """Errors by weight."""
    grid = np.linspace(0.05, 0.95, 46)
    lines = {f"k = {k}": [(float(w), error(float(w), k)) for w in grid] for k in RATIOS}
    marks = {name: parts[name].curves["error"] for name in lines}
    return Plot("weight of the real rows", "error, real rows alone = 1", marks, lines)


EXPERIMENT: Final = Experiment(
    name="E6",
    version=1,
    title="There is a best weight for real rows, and it is the error that is left",
    paper="[He et al. 2025](https://arxiv.org/abs/2502.18049)",
    setup=(
        f"A mean by {N} fresh real rows and k times as many of the model before, {GENERATIONS} "
        f"rounds, {REPEATS:,} repeats, the same rows for each weight"
    ),
    parts={f"k = {k}": partial(_part, k) for k in RATIOS},
    conclude=conclude,
    plot=plot,
)
