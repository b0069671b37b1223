"""E4: counts of categories drift, and rare categories are lost for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import Estimate, Experiment, Finding, Part, Plot, mean_of, near

CATEGORIES, N, GENERATIONS, REPEATS = 50, 200, 100, 8000
WITHIN: Final = 0.02


def zipf() -> NDArray[np.float64]:
    """Shares of the categories, in proportion to 1, 1/2, 1/3 and so on."""
    found = 1 / np.arange(1.0, CATEGORIES + 1)
    shares: NDArray[np.float64] = found / found.sum()
    return shares


def heterozygosity(generation: int) -> float:
    """H_t = H_0·(1−1/n)^t with H = 1−Σp² (Wright-Fisher; Seddik et al. 2024)."""
    return float((1 - np.square(zipf()).sum()) * (1 - 1 / N) ** generation)


def _replace(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    shares = np.tile(zipf(), (REPEATS, 1))
    curve = [(0.0, heterozygosity_of(shares).value)]
    left = {}
    for generation in range(1, GENERATIONS + 1):
        shares = draw.multinomial(N, shares) / N
        curve.append((float(generation), heterozygosity_of(shares).value))
        if generation in (1, GENERATIONS):
            left[generation] = mean_of((shares > 0).sum(axis=1))
    figures = {
        "heterozygosity": heterozygosity_of(shares),
        "categories after the first": left[1],
        "categories after the last": left[GENERATIONS],
    }
    return Part(figures, {"replace": curve})


def heterozygosity_of(shares: NDArray[np.float64]) -> Estimate:
    """1−Σp² of repeats, [repeats, categories]."""
    return mean_of(1 - np.square(shares).sum(axis=1))


def support() -> float:
    """Categories that are left after one generation on average, Σ 1−(1−p)^n."""
    return float((1 - (1 - zipf()) ** N).sum())


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the last generation against the formula, and count the categories that are left."""
    found = parts["replace"].figures
    first, last = found["categories after the first"], found["categories after the last"]
    return [
        near("1−Σp², replace", found["heterozygosity"], heterozygosity(GENERATIONS), WITHIN),
        near("categories after the first generation", first, support(), WITHIN),
        Finding(
            "categories after the last generation",
            last,
            None,
            "at most a fifth of those after the first",
            bool(last.value <= first.value / 5),
        ),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Heterozygosity by generation."""
    lines = {"replace": [(float(t), heterozygosity(t)) for t in range(GENERATIONS + 1)]}
    return Plot("generation", "1−Σp²", {"replace": parts["replace"].curves["replace"][::10]}, lines)


EXPERIMENT: Final = Experiment(
    name="E4",
    version=1,
    title="Categories drift, and rare ones are lost",
    paper="[Seddik et al. 2024](https://arxiv.org/abs/2404.05090)",
    setup=(
        f"{CATEGORIES} categories with shares by Zipf's law, {N} rows a generation, {GENERATIONS} "
        f"generations that replace one another, {REPEATS:,} repeats"
    ),
    parts={"replace": _replace},
    conclude=conclude,
    plot=plot,
)
