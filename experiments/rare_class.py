"""How long a rare class lasts where each round replaces the one before: a distribution.

The mean is long, and says little: half of the lines have lost the class in less than half of it,
and one in ten within some ten rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import (
    Experiment,
    Finding,
    Part,
    Plot,
    at_most,
    mean_of,
    near,
    quantile_of,
)

CASES: Final = ((200, 0.05), (600, 0.02))
"""Rows of a round, and share of the class in round 0."""
LINES: Final = 100_000
WITHIN, SOON, LOST_WITHIN = 0.05, 10.0, 0.01
"""Nearness of the mean, rounds within which one line in ten has lost the class, and nearness of the
share of lines that ever lose it."""


def mean_time(rows: int, share: float) -> float:
    """Rounds until a class is lost, given that it is: −2n·q·ln q/(1−q).

    It is the diffusion approximation of Kimura and Ohta (1969, equation 15), of n rows instead of
    2N genes.
    """
    return float(-2 * rows * share * np.log(share) / (1 - share))


def lost(share: float) -> float:
    """Share of lines that ever lose the class, 1−q, since its share is a martingale."""
    return 1 - share


def _name(rows: int, share: float) -> str:
    return f"n = {rows}, q = {share:g}"


def times(rows: int, share: float, seed: int) -> tuple[NDArray[np.int64], int]:
    """Follow lines until each has lost the class or has nothing else.

    Returns:
        Rounds until it was lost, of the lines that lost it; and how many lines there were.
    """
    draw = np.random.default_rng(seed)
    counts = np.full(LINES, round(rows * share))
    found, number = [], 0
    while len(counts):
        number += 1
        counts = draw.binomial(rows, counts / rows)
        found.append(np.full(np.count_nonzero(counts == 0), number))
        counts = counts[(counts > 0) & (counts < rows)]
    return np.concatenate(found), LINES


def _part(rows: int, share: float, seed: int) -> Part:
    rounds, lines = times(rows, share, seed)
    gone = np.zeros(lines)
    gone[: len(rounds)] = 1
    figures = {
        "mean": mean_of(rounds),
        "median": quantile_of(rounds, 0.5),
        "tenth": quantile_of(rounds, 0.1),
        "lost": mean_of(gone),
    }
    shares = np.arange(0.0, 1.0, 0.02)[1:]
    curve = [(float(np.quantile(rounds, each)), float(each)) for each in shares]
    return Part(figures, {"lost": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the mean against the formula, and show how far below it most lines are."""
    found = []
    for rows, share in CASES:
        name, mean = _name(rows, share), mean_time(rows, share)
        figures = parts[name].figures
        found += [
            near(f"mean rounds until the class is lost, {name}", figures["mean"], mean, WITHIN),
            at_most(f"median rounds, {name}", figures["median"], mean / 2),
            at_most(
                f"rounds within which one line in ten loses it, {name}", figures["tenth"], SOON
            ),
            near(f"lines that ever lose it, {name}", figures["lost"], lost(share), LOST_WITHIN),
        ]
    return found


def plot(parts: Mapping[str, Part]) -> Plot:
    """Share of the lines that have lost the class, of those that ever do, by round."""
    marks = {_name(*case): parts[_name(*case)].curves["lost"] for case in CASES}
    means = {_name(*case): [(mean_time(*case), 0.0), (mean_time(*case), 1.0)] for case in CASES}
    upright = "rounds (upright: mean by the formula)"
    return Plot(upright, "lines that have lost the class", marks, means, log_x=True)


EXPERIMENT: Final = Experiment(
    name="rare-class",
    version=1,
    title="A rare class is lost far sooner than the mean time to its loss",
    paper=(
        "[Kimura and Ohta 1969](https://doi.org/10.1093/genetics/61.3.763), "
        "[Suresh et al. 2024](https://arxiv.org/abs/2412.17646)"
    ),
    setup=(
        f"{LINES:,} lines of rounds that replace one another, each followed until it has lost the "
        "class or has nothing else"
    ),
    parts={_name(*case): partial(_part, *case) for case in CASES},
    conclude=conclude,
    plot=plot,
)
