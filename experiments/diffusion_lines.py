"""E13: a diffusion model forgets what it does not draw, where its own images replace real ones.

The model is the shipped generator `diffusion` with fewer steps than are shipped, and what is
measured of a generation is what stage `evaluate` measures of a round: Fréchet distance, precision,
recall and variance on fixed features of the real rows, beside a null of real rows in their place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from expectations.calibration import wilson
from expectations.measures import features
from experiments import digits
from experiments.digits import Rows
from experiments.experiment import (
    Estimate,
    Experiment,
    Finding,
    Listing,
    Part,
    Points,
    SmallMultiples,
    at_least,
    at_most,
    mean_of,
)
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.metrics import shape
from pipelines.metrics.shape import Yardstick

GENERATIONS, LINES = 4, 3
ROWS: Final = 700
"""Real rows that train, rows that test, and rows of each generation, as many of each class."""
FIT: Final = DiffusionFit(steps=200)
GENERATE: Final = DiffusionGenerate(steps=10)
"""Fewer steps than are shipped, 440 and 20, so that a line takes minutes."""
REPLACE, ACCUMULATE = REGIMES = ("replace", "accumulate")
FRECHET, PRECISION, RECALL, VARIANCE = "Fréchet distance", "precision", "recall", "variance"
AGREEMENT, ACCURACY = "label agreement", "accuracy of the mix"
SHAPE: Final = {"frechet": FRECHET, "precision": PRECISION, "recall": RECALL, "variance": VARIANCE}
"""Figures of stage `evaluate`, by what they are called there."""
FIGURES: Final = (*SHAPE.values(), AGREEMENT, ACCURACY)
DRAWN: Final = (FRECHET, RECALL, ACCURACY)
"""Figures of the plot."""
SIDE, WHITE = 8, 255
NULL_DRAWS, RESAMPLES = 20, 200
GROWN, LEFT, HELD = 3.0, 1 / 3, 0.6
"""Least ratio of Fréchet distances of the last and the first generation under replace, largest one
of their recalls, and largest one of the last distances under accumulate and under replace."""
SLACK: Final = 0.02
"""By how much what looks at single images may say less of the last generation than of the first."""
Images = NDArray[np.uint8]


def generation(mix: Rows, draw: Generator) -> Rows:
    """Fit the generator on rows, and have it make as many of each class."""
    from pipelines.generators.diffusion import model  # noqa: PLC0415  slow to import

    classes = np.unique(mix.labels)
    labels = draw.permutation(np.repeat(classes, ROWS // len(classes)))
    with tempfile.TemporaryDirectory() as folder:
        place, weights = Path(folder), np.ones(len(mix))
        seeds = [int(each) for each in draw.integers(1 << 31, size=2)]
        model.fit(_images(mix.pixels), mix.labels, weights, FIT, seeds[0], place)
        made = model.generate(place, labels, GENERATE, seeds[1])
    return Rows(_images(made).reshape(len(labels), -1) / WHITE, labels)


def _images(pixels: NDArray[np.floating]) -> Images:
    """Round pixels in [0, 1] to images of 8 bits, [n, 8, 8]."""
    images: Images = np.rint(pixels * WHITE).astype(np.uint8).reshape(-1, SIDE, SIDE)
    return images


def mix_of(regime: str, rounds: Sequence[Rows]) -> Rows:
    """Compose what the next generation learns from; the first round is real."""
    if regime == REPLACE:
        return rounds[-1]
    whole = rounds[0]
    for made in rounds[1:]:
        whole = whole.joined(made)
    return whole


def lines(seed: int) -> Iterator[tuple[str, int, dict[str, Estimate]]]:
    """Follow both regimes from the same real rows; the first generation is one for both.

    Yields:
        The regime, the generation and its figures. Those of generation 0 are of real rows in its
        place.
    """
    draw = np.random.default_rng(seed)
    real, others = digits.split(ROWS, draw)
    test = others.some(ROWS, draw)
    yardstick = _yardstick(real, test)
    against = shape.null(yardstick, NULL_DRAWS, int(draw.integers(1 << 31)))
    null = {SHAPE[name]: mean_of(values) for name, values in against.items() if name in SHAPE}
    null[ACCURACY] = _share(digits.accuracy(real, test), len(test))
    first = generation(real, draw)
    for regime in REGIMES:
        yield regime, 0, null
        rounds = [real]
        for at in range(1, GENERATIONS + 1):
            rounds.append(first if at == 1 else generation(mix_of(regime, rounds), draw))
            made = rounds[-1]
            measured = shape.measure(
                yardstick, _vectors(made), against, RESAMPLES, int(draw.integers(10**9))
            )
            found = {
                called: Estimate(measured[name].value, measured[name].low, measured[name].high)
                for name, called in SHAPE.items()
            }
            found[AGREEMENT] = _share(digits.accuracy(real, made), len(made))
            found[ACCURACY] = _share(digits.accuracy(mix_of(regime, rounds), test), len(test))
            yield regime, at, found


def _yardstick(real: Rows, test: Rows) -> Yardstick:
    vectors = _vectors(real)
    return Yardstick(vectors, _vectors(test), features.fit(vectors), len(test))


def _vectors(rows: Rows) -> NDArray[np.float32]:
    return rows.pixels.astype(np.float32)


def _share(value: float, rows: int) -> Estimate:
    """A share of rows with Wilson's interval."""
    found = wilson(round(value * rows), rows)
    return Estimate(value, found.low, found.high)


def _part(seed: int) -> Part:
    figures: dict[str, Estimate] = {}
    curves: dict[str, list[tuple[float, float]]] = {}
    for regime, at, found in lines(seed):
        for figure, estimate in found.items():
            figures[name(regime, figure, at)] = estimate
            curves.setdefault(f"{regime}, {figure}", []).append((float(at), estimate.value))
    return Part(figures, curves)


def name(regime: str, figure: str, at: int) -> str:
    """Name a figure of a generation."""
    return f"{regime}, {figure}, generation {at}"


def over(parts: Mapping[str, Part], figure: str) -> Estimate:
    """A figure over all lines there are; of a single line, with the interval over its rows."""
    each = [part.figures[figure] for part in parts.values()]
    return each[0] if len(each) == 1 else mean_of(np.asarray([one.value for one in each]))


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the last generation against the first, and accumulate against replace."""
    ends = {
        (regime, figure, at): over(parts, name(regime, figure, at))
        for regime in REGIMES
        for figure in FIGURES
        for at in (1, GENERATIONS)
    }

    def first(figure: str) -> float:
        return ends[REPLACE, figure, 1].value

    def last(regime: str, figure: str) -> tuple[str, Estimate]:
        return f"{figure}, generation {GENERATIONS}, {regime}", ends[regime, figure, GENERATIONS]

    replaced = last(REPLACE, FRECHET)[1].value
    return [
        at_least(*last(REPLACE, FRECHET), GROWN * first(FRECHET)),
        at_most(*last(REPLACE, RECALL), LEFT * first(RECALL)),
        at_most(*last(ACCUMULATE, FRECHET), HELD * replaced),
        at_least(*last(ACCUMULATE, RECALL), LEFT * first(RECALL)),
        at_least(*last(REPLACE, PRECISION), first(PRECISION) - SLACK),
        at_least(*last(REPLACE, AGREEMENT), first(AGREEMENT) - SLACK),
    ]


def plot(parts: Mapping[str, Part]) -> SmallMultiples:
    """Figures by generation; generation 0 is real rows."""

    def curves(figure: str) -> dict[str, Sequence[Points]]:
        return {
            regime: [part.curves[f"{regime}, {figure}"] for part in parts.values()]
            for regime in REGIMES
        }

    return SmallMultiples("generation", {(figure, "digits"): curves(figure) for figure in DRAWN})


def lists(parts: Mapping[str, Part]) -> Sequence[Listing]:
    """A table of each line, by regime and generation."""
    heads = ("line", "regime", "generation", *FIGURES)
    rows = []
    for line, part in parts.items():
        for regime in REGIMES:
            for at in range(GENERATIONS + 1):
                found = [part.figures.get(name(regime, figure, at)) for figure in FIGURES]
                figures = ["" if each is None else f"{each.value:.3f}" for each in found]
                rows.append((line, regime, str(at), *figures))
    return [Listing("Each line; generation 0 is real rows in its place:", heads, rows)]


EXPERIMENT: Final = Experiment(
    name="E13",
    version=1,
    title="A diffusion model forgets most of what is real where its images replace real ones",
    paper=(
        "[Bohacek and Farid 2023](https://arxiv.org/abs/2311.12202), "
        "[Alemohammad et al. 2023](https://arxiv.org/abs/2307.01850), "
        "[Gerstgrasser et al. 2024](https://arxiv.org/abs/2404.01413)"
    ),
    setup=(
        f"The shipped generator `diffusion` with {FIT.steps} steps on 1,077 rows, where 440 are "
        f"shipped, and {GENERATE.steps} of the sampler, where 20 are, on {ROWS} real digits of 8 "
        f"by 8 pixels; {GENERATIONS} generations of as many images, which replace one another or "
        "accumulate beside the real ones, and steps that grow with the root of the rows. Figures "
        f"of stage `evaluate` on {ROWS} held-out digits, in the principal components that explain "
        "nine tenths of the real ones; label agreement and accuracy are those of a support vector "
        f"machine. Of {LINES} lines, those that have been run; the interval of a single one is "
        "over its rows, that of several over lines. The papers have photographs and networks that "
        "are a thousand times larger, so theirs are other figures"
    ),
    parts={f"line {number}": _part for number in range(1, LINES + 1)},
    conclude=conclude,
    plot=plot,
    long=True,
    partial=True,
    lists=lists,
)
