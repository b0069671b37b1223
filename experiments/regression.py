"""E1: linear regression on its own labels loses without bound, unless data accumulates.

Each generation learns from labels that the model before gave, with fresh noise. What replaces the
data of the generation before adds its error to it; what accumulates sums errors that fall with the
square of the generation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from experiments.experiment import Experiment, Finding, Part, Plot, at_most, mean_of, near

D, ROWS, GENERATIONS, REPEATS, NOISE = 10, 50, 20, 4000, 1.0
"""Dimensions, rows of a generation, generations, repeats, and standard deviation of the noise."""
WITHIN: Final = 0.05
Array = NDArray[np.float64]


def single() -> float:
    """Test error of one fit on T fresh rows, σ²d/(T−d−1)."""
    return NOISE**2 * D / (ROWS - D - 1)


def replaced(generation: int) -> float:
    """Test error where each generation replaces the one before (Gerstgrasser et al. 2024)."""
    return single() * generation


def accumulated(generation: int) -> float:
    """Test error where labels accumulate on the same inputs, c·Σ 1/i² (the same)."""
    return single() * sum(1 / i**2 for i in range(1, generation + 1))


def accumulated_fresh(generation: int) -> float:
    """Test error where labels accumulate on fresh inputs, σ²d·Σ 1/(i(iT−d−1))."""
    terms = (1 / (i * (i * ROWS - D - 1)) for i in range(1, generation + 1))
    return NOISE**2 * D * sum(terms)


FORMULAS: Final[dict[str, Callable[[int], float]]] = {
    "replace": replaced,
    "accumulate": accumulated,
    "accumulate, fresh inputs": accumulated_fresh,
}


def bound() -> float:
    """What the error of accumulating never reaches, cπ²/6."""
    return single() * np.pi**2 / 6


def _solved(gram: Array, right: Array) -> Array:
    """Solve the normal equations of each repeat, [r, d, d] and [r, d] to [r, d]."""
    return np.linalg.solve(gram, right[:, :, None])[:, :, 0].astype(np.float64)


def _fits(inputs: Array, labels: Array) -> Array:
    """Least squares of each repeat, [r, n, d] and [r, n] to [r, d]."""
    turned = inputs.transpose(0, 2, 1)
    return _solved(turned @ inputs, (turned @ labels[:, :, None])[:, :, 0])


def _inputs(draw: Generator) -> Array:
    return draw.standard_normal((REPEATS, ROWS, D))


def _labels(inputs: Array, model: Array, draw: Generator) -> Array:
    noise = NOISE * draw.standard_normal(inputs.shape[:2])
    found: Array = np.einsum("rnd,rd->rn", inputs, model) + noise
    return found


def _replace(draw: Generator) -> list[Array]:
    """Error of each generation, [repeats]: the squared norm of a model, since the true one is 0."""
    model, errors = np.zeros((REPEATS, D)), []
    for _ in range(GENERATIONS):
        inputs = _inputs(draw)
        model = _fits(inputs, _labels(inputs, model, draw))
        errors.append(np.square(model).sum(axis=1))
    return errors


def _accumulate(draw: Generator) -> list[Array]:
    inputs, model, labels = _inputs(draw), np.zeros((REPEATS, D)), np.zeros((REPEATS, ROWS))
    errors = []
    for generation in range(1, GENERATIONS + 1):
        labels += _labels(inputs, model, draw)
        # Least squares of the same inputs with all labels is that with the mean of these.
        model = _fits(inputs, labels / generation)
        errors.append(np.square(model).sum(axis=1))
    return errors


def _accumulate_fresh(draw: Generator) -> list[Array]:
    model, errors = np.zeros((REPEATS, D)), []
    gram, right = np.zeros((REPEATS, D, D)), np.zeros((REPEATS, D))
    for _ in range(GENERATIONS):
        inputs = _inputs(draw)
        turned = inputs.transpose(0, 2, 1)
        gram += turned @ inputs
        right += (turned @ _labels(inputs, model, draw)[:, :, None])[:, :, 0]
        model = _solved(gram, right)
        errors.append(np.square(model).sum(axis=1))
    return errors


def _part(regime: Callable[[Generator], list[Array]], seed: int) -> Part:
    errors = regime(np.random.default_rng(seed))
    curve = [(float(i), float(each.mean())) for i, each in enumerate(errors, start=1)]
    return Part({"error": mean_of(errors[-1])}, {"error": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the error of the last generation against each formula."""
    found = [
        near(f"error, {name}", parts[name].figures["error"], formula(GENERATIONS), WITHIN)
        for name, formula in FORMULAS.items()
    ]
    never = at_most(
        "error, accumulate, and its bound", parts["accumulate"].figures["error"], bound()
    )
    return [*found, never]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Errors by generation."""
    lines = {
        name: [(float(i), formula(i)) for i in range(1, GENERATIONS + 1)]
        for name, formula in FORMULAS.items()
    }
    return Plot(
        "generation",
        "test error",
        {n: parts[n].curves["error"] for n in FORMULAS},
        lines,
        log_y=True,
    )


EXPERIMENT: Final = Experiment(
    name="E1",
    version=1,
    title="Replacing adds up errors, accumulating bounds them",
    paper="[Gerstgrasser et al. 2024](https://arxiv.org/abs/2404.01413)",
    setup=(
        f"Least squares in {D} dimensions on {ROWS} rows a generation, labels by the model before "
        f"with noise of 1, {GENERATIONS} generations, {REPEATS:,} repeats"
    ),
    parts={
        "replace": partial(_part, _replace),
        "accumulate": partial(_part, _accumulate),
        "accumulate, fresh inputs": partial(_part, _accumulate_fresh),
    },
    conclude=conclude,
    plot=plot,
)
