"""E10: a classifier gets worse with each share of its real rows that generated ones replace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments import digits
from experiments.experiment import Experiment, Finding, Part, Plot, at_least, mean_of

SHARES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TRAIN, REPEATS = 600, 30
LOSS: Final = 0.015
"""Least accuracy that is lost with four fifths synthetic."""
SLACK: Final = 0.001
"""By how much accuracy may rise from one share to the next."""


def accuracies(seed: int) -> NDArray[np.float64]:
    """Accuracy on real test rows by share of synthetic rows, [shares], of one split."""
    draw = np.random.default_rng(seed)
    train, test = digits.split(TRAIN, draw)
    made = digits.gaussians(train, TRAIN, draw)
    found = []
    for share in SHARES:
        synthetic = made.some(round(share * TRAIN), draw)
        mix = train.some(TRAIN - len(synthetic), draw).joined(synthetic)
        found.append(digits.accuracy(mix, test))
    return np.asarray(found)


def _part(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    lines = np.asarray([accuracies(int(draw.integers(1 << 31))) for _ in range(REPEATS)])
    figures = {f"{share:.0%}": mean_of(lines[:, at]) for at, share in enumerate(SHARES)}
    figures["lost at 80%"] = mean_of(lines[:, 0] - lines[:, SHARES.index(0.8)])
    curve = [(share, 1 - figures[f"{share:.0%}"].value) for share in SHARES]
    return Part(figures, {"error": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Find that accuracy falls from share to share, and by how much at four fifths."""
    figures = parts["shares"].figures
    values = [figures[f"{share:.0%}"].value for share in SHARES]
    falls = all(more <= less + SLACK for less, more in pairwise(values))
    return [
        Finding("accuracy, real rows alone", figures["0%"], None, "the most", _most(values)),
        Finding(
            "accuracy, synthetic rows alone",
            figures["100%"],
            None,
            f"falls from share to share, to within {SLACK:g}",
            falls,
        ),
        at_least("accuracy that is lost at four fifths synthetic", figures["lost at 80%"], LOSS),
    ]


def _most(values: Sequence[float]) -> bool:
    """Whether the first is the largest."""
    return values[0] == max(values)


def plot(parts: Mapping[str, Part]) -> Plot:
    """Error by share."""
    return Plot("share of synthetic rows", "error", dict(parts["shares"].curves))


EXPERIMENT: Final = Experiment(
    name="E10",
    version=1,
    title="Generated rows in place of real ones cost a classifier accuracy",
    paper="[Hataya et al. 2023](https://arxiv.org/abs/2211.08095)",
    setup=(
        f"Support vector machines on {TRAIN} digits, a share of them drawn from a Gaussian for "
        f"each class that learnt from all {TRAIN} real ones, {REPEATS} splits. The paper has "
        "photographs by Stable Diffusion, so its figures are others"
    ),
    parts={"shares": _part},
    conclude=conclude,
    plot=plot,
)
