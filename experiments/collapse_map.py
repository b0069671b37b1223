"""The heat map of collapse: what is left of a generator that learns in part from its own output.

Each iteration learns from as many rows as the first: a share of them drawn from the model before,
the others real. Recall of the real rows falls with both, the share and the iterations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments import digits
from experiments.experiment import (
    Experiment,
    Finding,
    HeatMap,
    Part,
    at_least,
    at_most,
    mean_of,
)

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
ITERATIONS, REPEATS, TRAIN = 8, 8, 900
COLLAPSED, KEPT = 1 / 3, 1 / 2
"""Recall after the last iteration over that without synthetic rows: at most, where all rows are
synthetic, and at least, where a quarter is."""
SLACK: Final = 0.02
"""By how much recall may rise from one share to the next."""


def name(share: float) -> str:
    """Name the part of a share."""
    return f"{share:.0%} synthetic"


def recalls(share: float, seed: int) -> NDArray[np.float64]:
    """Follow a generator; recall of test rows by what each iteration makes, [1 + iterations]."""
    draw = np.random.default_rng(seed)
    train, test = digits.split(TRAIN, draw)
    made = digits.interpolated(train, TRAIN, draw)
    found = [digits.recall(made, test)]
    for _ in range(ITERATIONS):
        synthetic = made.some(round(share * TRAIN), draw)
        mix = train.some(TRAIN - len(synthetic), draw).joined(synthetic)
        made = digits.interpolated(mix, TRAIN, draw)
        found.append(digits.recall(made, test))
    return np.asarray(found)


def _part(share: float, seed: int) -> Part:
    draw = np.random.default_rng(seed)
    lines = np.asarray([recalls(share, int(draw.integers(1 << 31))) for _ in range(REPEATS)])
    curve = [(float(at), float(mean)) for at, mean in enumerate(lines.mean(axis=0))]
    return Part({"last": mean_of(lines[:, -1])}, {"recall": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold recall after the last iteration against that without synthetic rows."""
    last = {share: parts[name(share)].figures["last"] for share in SHARES}
    without = last[0.0].value
    falls = all(last[more].value <= last[less].value + SLACK for less, more in pairwise(SHARES))
    what = f"recall after {ITERATIONS} iterations"
    return [
        at_least(f"{what}, a quarter synthetic", last[0.25], KEPT * without),
        at_most(f"{what}, all synthetic", last[1.0], COLLAPSED * without),
        Finding(
            f"{what}, half synthetic",
            last[0.5],
            None,
            f"falls from share to share, to within {SLACK}",
            falls,
        ),
    ]


def plot(parts: Mapping[str, Part]) -> HeatMap:
    """Recall by share and iteration."""
    cells = [
        (f"{at:.0f}", f"{share:.0%}", value)
        for share in reversed(SHARES)
        for at, value in parts[name(share)].curves["recall"]
    ]
    return HeatMap(
        "iteration", "share of synthetic rows in the training mix", "recall of real digits", cells
    )


EXPERIMENT: Final = Experiment(
    name="collapse-map",
    version=1,
    title="Collapse comes with the share of synthetic rows and with the iterations",
    paper=(
        "[Bohacek and Farid 2023](https://arxiv.org/abs/2311.12202), "
        "[Alemohammad et al. 2023](https://arxiv.org/abs/2307.01850)"
    ),
    setup=(
        f"Digits by the rule of the generator `interpolation`, which learns from {TRAIN} rows each "
        "iteration, a share of them drawn from the model before and the others real, "
        f"{REPEATS} splits; recall is the share of test rows within reach of what was made, which "
        "already the first model, that learns from real rows alone, does not bring to 1. The "
        "papers train diffusion models and GANs on photographs, so theirs are other figures; the "
        "limits of the criteria were set after a first look at single lines"
    ),
    parts={name(share): partial(_part, share) for share in SHARES},
    conclude=conclude,
    plot=plot,
)
