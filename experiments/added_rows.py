"""E11: generated rows beside few real ones make a better classifier than the real ones alone.

The generator has seen more real rows than the classifier, and that is what it passes on: rows are
made by a model of many real ones, and given to one that has few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments import digits
from experiments.experiment import Experiment, Finding, Part, Plot, at_least, mean_of

REAL, SEEN, REPEATS = 100, 1000, 30
"""Real rows of the classifier, and of the generator."""
TIMES: Final = (0, 1, 3, 6)
"""Synthetic rows for each real one."""
GAIN: Final = 0.005
"""Least accuracy that is won with as many synthetic rows as real ones."""


def accuracies(seed: int) -> NDArray[np.float64]:
    """Measure accuracy on real test rows, [times + 1], of one split.

    The last is that of three synthetic rows for each real one, by a generator that saw the
    classifier's rows alone.
    """
    draw = np.random.default_rng(seed)
    seen, test = digits.split(SEEN, draw)
    own = seen.some(REAL, draw)
    made = digits.gaussians(seen, max(TIMES) * REAL, draw)
    found = [
        digits.accuracy(own.joined(made.some(times * REAL, draw)), test)
        if times
        else digits.accuracy(own, test)
        for times in TIMES
    ]
    narrow = digits.gaussians(own, 3 * REAL, draw)
    return np.asarray([*found, digits.accuracy(own.joined(narrow), test)])


def _part(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    lines = np.asarray([accuracies(int(draw.integers(1 << 31))) for _ in range(REPEATS)])
    gains = lines - lines[:, :1]
    names = [*(f"× {times}" for times in TIMES), "narrow"]
    figures = {name: mean_of(lines[:, at]) for at, name in enumerate(names)}
    figures |= {f"gain {name}": mean_of(gains[:, at]) for at, name in enumerate(names)}
    curve = [(float(times), 1 - figures[f"× {times}"].value) for times in TIMES]
    return Part(figures, {"real + synthetic": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold what is won against its least, and compare generators that saw many rows and few."""
    figures = parts["rows"].figures
    wide, narrow = figures["gain × 3"], figures["gain narrow"]
    return [
        at_least("accuracy won by as many synthetic rows", figures["gain × 1"], GAIN),
        at_least("accuracy won by 3 times as many", wide, GAIN),
        Finding(
            "the same, by a generator that saw the classifier's rows alone",
            narrow,
            None,
            "less, with intervals that are apart",
            narrow.high < wide.low,
        ),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Error by synthetic rows for each real one."""
    return Plot("synthetic rows for each real one", "error", dict(parts["rows"].curves))


EXPERIMENT: Final = Experiment(
    name="E11",
    version=1,
    title="Generated rows beside few real ones are worth something",
    paper="[Azizi et al. 2023](https://arxiv.org/abs/2304.08466)",
    setup=(
        f"Support vector machines on {REAL} real digits, and on synthetic ones besides, drawn from "
        f"a Gaussian for each class, {REPEATS} splits. The generator learnt from {SEEN:,} real "
        "rows, ten times as many as the classifier has: what it adds is owed to these"
    ),
    parts={"rows": _part},
    conclude=conclude,
    plot=plot,
)
