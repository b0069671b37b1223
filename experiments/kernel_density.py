"""E3: a kernel density estimate of its own samples inflates: what collapses need not shrink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from experiments.experiment import Experiment, Finding, Part, Plot, mean_of, near

N, BANDWIDTH, GENERATIONS, REPEATS = 100, 0.3, 50, 20_000
WITHIN: Final = 0.02


def variance(generation: int) -> float:
    """V_t = (1−1/n)·V_{t−1} + h², from real rows of variance 1 (Kazdan et al. 2024)."""
    found = 1.0
    for _ in range(generation):
        found = (1 - 1 / N) * found + BANDWIDTH**2
    return found


def _replace(seed: int) -> Part:
    """Draw each generation from a kernel density estimate of the one before."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((REPEATS, N))
    curve = [(0.0, 1.0)]
    for generation in range(1, GENERATIONS + 1):
        # The variance of the estimate is that of its rows and that of its kernel.
        spread = rows.var(axis=1) + BANDWIDTH**2
        curve.append((float(generation), float(spread.mean())))
        chosen = np.take_along_axis(rows, draw.integers(N, size=(REPEATS, N)), axis=1)
        rows = chosen + BANDWIDTH * draw.standard_normal((REPEATS, N))
    return Part({"variance": mean_of(spread)}, {"replace": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the variance of the last generation against the formula."""
    ours = parts["replace"].figures["variance"]
    return [near("variance, replace", ours, variance(GENERATIONS), WITHIN)]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Variances by generation."""
    lines = {"replace": [(float(t), variance(t)) for t in range(GENERATIONS + 1)]}
    return Plot(
        "generation", "variance", {"replace": parts["replace"].curves["replace"][::5]}, lines
    )


EXPERIMENT: Final = Experiment(
    name="E3",
    version=1,
    title="A smoothing generator inflates the variance, so limits have two sides",
    paper="[Kazdan et al. 2024](https://arxiv.org/abs/2410.16713)",
    setup=(
        f"Kernel density estimate of {N} rows with bandwidth {BANDWIDTH}, {GENERATIONS} "
        f"generations that replace one another, {REPEATS:,} repeats"
    ),
    parts={"replace": _replace},
    conclude=conclude,
    plot=plot,
)
