"""E12: the error of a classifier falls with its rows by a power law, to a floor of its own.

Real rows and synthetic ones each have their a, b and c of L(N) = a·N^(−b) + c. Out of domain the
test rows are digits of a font, turned and sheared, which no classifier has seen any of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.generators import drawn_digits
from experiments import digits
from experiments.digits import Rows
from experiments.experiment import Estimate, Experiment, Finding, Part, Plot, mean_of
from pipelines.inquiry.foresight import scaling_law

SEEN, REPEATS, DRAWN = 1200, 8, 300
"""Real rows that train, the generator too; splits; and digits of a font."""
SIZES: Final = {
    "real": (50, 100, 200, 400, 800, 1200),
    "synthetic": (50, 100, 200, 400, 800, 1600, 3200),
}
DOMAINS: Final = ("in domain", "out of it")


@cache
def drawn() -> Rows:
    """Draw digits of a font."""
    made = [drawn_digits.simulate(seed) for seed in range(DRAWN)]
    pixels = np.stack([each["image"] for each in made]).reshape(DRAWN, -1) / 255
    return Rows(pixels, np.asarray([each["label"] for each in made], dtype=np.int64))


def errors(seed: int) -> dict[str, NDArray[np.float64]]:
    """Error by kind of rows and domain, [sizes], of one split."""
    draw = np.random.default_rng(seed)
    seen, test = digits.split(SEEN, draw)
    rows = {"real": seen, "synthetic": digits.gaussians(seen, max(SIZES["synthetic"]), draw)}
    found: dict[str, NDArray[np.float64]] = {}
    for kind, sizes in SIZES.items():
        mixes = [rows[kind].some(size, draw) for size in sizes]
        right = np.asarray([digits.accuracies(mix, (test, drawn())) for mix in mixes])
        found |= {f"{kind}, {domain}": 1 - right[:, at] for at, domain in enumerate(DOMAINS)}
    return found


def fitted(sizes: Sequence[int], losses: NDArray[np.float64]) -> tuple[float, float, float]:
    """Fit a, b and c of L(N) = a·N^(−b) + c, as `stemma scaling` does.

    Args:
        sizes: numbers of rows, [n].
        losses: error at each, [n].

    Raises:
        ValueError: no law is found.
    """
    curve = scaling_law.least_squares(
        {size: [float(loss)] for size, loss in zip(sizes, losses, strict=True)}
    )
    if curve is None:
        raise ValueError("no law fits the losses")
    return curve.a, curve.b, curve.c


def laws(
    lines: Sequence[Mapping[str, NDArray[np.float64]]], sizes: Mapping[str, Sequence[int]]
) -> Part:
    """Fit the law of each curve to its mean over splits.

    Args:
        lines: of each split, errors by kind of rows and domain, [sizes].
        sizes: numbers of rows of each kind.

    Returns:
        Figures `a, CURVE`, `b, CURVE` and `c, CURVE` with jackknifed intervals and the last error,
        `last, CURVE`, and the mean errors as curves.
    """
    figures: dict[str, Estimate] = {}
    curves: dict[str, list[tuple[float, float]]] = {}
    for name in lines[0]:
        losses, own = np.asarray([line[name] for line in lines]), sizes[name.partition(",")[0]]
        others = np.asarray([_jackknifed(own, losses, out) for out in range(len(lines))])
        whole = fitted(own, losses.mean(axis=0))
        for letter, value, without in zip("abc", whole, others.T, strict=True):
            figures[f"{letter}, {name}"] = _interval(value, without)
        figures[f"last, {name}"] = mean_of(losses[:, -1])
        means = losses.mean(axis=0)
        curves[name] = [(float(n), float(loss)) for n, loss in zip(own, means, strict=True)]
    return Part(figures, curves)


def _part(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    return laws([errors(int(draw.integers(1 << 31))) for _ in range(REPEATS)], SIZES)


def _jackknifed(
    sizes: Sequence[int], losses: NDArray[np.float64], out: int
) -> tuple[float, float, float]:
    """Fit the law to the mean losses of all splits but one."""
    return fitted(sizes, np.delete(losses, out, axis=0).mean(axis=0))


def _interval(value: float, others: NDArray[np.float64]) -> Estimate:
    """Interval of two jackknife standard errors (Efron and Tibshirani 1993, equation 11.5)."""
    n = len(others)
    error = float(np.sqrt((n - 1) / n * np.square(others - others.mean()).sum()))
    return Estimate(value, value - 2 * error, value + 2 * error)


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Compare the floors of real and synthetic rows, and show the laws."""
    figures = parts["sizes"].figures
    found = []
    for domain in DOMAINS:
        real, made = (figures[f"c, {kind}, {domain}"] for kind in SIZES)
        higher = f"more than that of real rows, {real.value:.3f}"
        holds = made.value > real.value
        found.append(Finding(f"floor c of synthetic rows, {domain}", made, None, higher, holds))
    for kind in SIZES:
        for letter in "ab":
            name = f"{letter}, {kind}, {DOMAINS[0]}"
            law = Finding(name, figures[name], None, "more than 0", figures[name].value > 0)
            found.append(law)
    return found


def plot(parts: Mapping[str, Part]) -> Plot:
    """Errors by rows, with the laws."""
    return drawn_laws(parts["sizes"])


def drawn_laws(part: Part) -> Plot:
    """Plot errors by rows, with the laws that were fitted."""
    lines = {}
    for name, points in part.curves.items():
        a, b, c = (part.figures[f"{letter}, {name}"].value for letter in "abc")
        grid = np.geomspace(points[0][0], points[-1][0], 40)
        lines[name] = [(float(n), float(a * n**-b + c)) for n in grid]
    return Plot("rows", "error", dict(part.curves), lines, log_x=True, log_y=True)


EXPERIMENT: Final = Experiment(
    name="E12",
    version=2,
    title="Synthetic rows have a scaling law with a floor of its own",
    paper="[Fan et al. 2024](https://arxiv.org/abs/2312.04567)",
    setup=(
        f"Support vector machines on 50 to {SEEN:,} real digits, and on 50 to 3,200 drawn from a "
        f"Gaussian for each class that learnt from {SEEN:,}, {REPEATS} splits; laws are fitted to "
        "the mean errors, their intervals are jackknifed. Out of domain the test rows are digits "
        "of Pillow's font. The paper has text-to-image models and ImageNet, so its figures are "
        "others"
    ),
    parts={"sizes": _part},
    conclude=conclude,
    plot=plot,
)
