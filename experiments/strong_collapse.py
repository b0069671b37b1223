"""E9: a share of synthetic rows leaves an error that no number of rows takes away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from experiments.experiment import Experiment, Finding, Part, Plot, at_most, mean_of, near

D, SHARE, NOISE, REPEATS = 20, 0.1, 0.5, 8
ROWS: Final = (500, 2000, 8000, 32_000, 128_000)
WITHIN: Final = 0.1
SYNTHETIC: Final = "a tenth synthetic"
REAL: Final = "real rows alone"


def floor(share: float = SHARE) -> float:
    """Error that is left, p₂²·‖w_syn−w_real‖², here with a distance of 1 (Dohmatob et al. 2024)."""
    return share**2


def _error(rows: int, share: float, draw: np.random.Generator) -> float:
    """Fit rows of which a share has labels of another rule, whose weights are 1 away."""
    inputs = draw.standard_normal((rows, D))
    synthetic = np.zeros(rows, dtype=np.bool_)
    synthetic[: round(share * rows)] = True
    labels = np.where(synthetic, inputs[:, 0], 0.0) + NOISE * draw.standard_normal(rows)
    rule = np.linalg.solve(inputs.T @ inputs, inputs.T @ labels)
    return float(np.square(rule).sum())


def _part(share: float, seed: int) -> Part:
    draw = np.random.default_rng(seed)
    errors = np.asarray([[_error(n, share, draw) for n in ROWS] for _ in range(REPEATS)])
    curve = [(float(n), float(e)) for n, e in zip(ROWS, errors.mean(axis=0), strict=True)]
    return Part({"error": mean_of(errors[:, -1])}, {"error": curve})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold the error on most rows against the floor, with synthetic rows and without."""
    mixed, alone = parts[SYNTHETIC].figures["error"], parts[REAL].figures["error"]
    return [
        near(f"error on {ROWS[-1]:,} rows, {SYNTHETIC}", mixed, floor(), WITHIN),
        at_most(f"error on {ROWS[-1]:,} rows, {REAL}", alone, floor() / 10, 0.0),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Errors by the number of rows."""
    marks = {name: parts[name].curves["error"] for name in (SYNTHETIC, REAL)}
    # With fresh noise, least squares in d dimensions has an error of σ²d/(n−d−1).
    lines = {
        REAL: [(float(n), NOISE**2 * D / (n - D - 1)) for n in ROWS],
        SYNTHETIC: [(float(n), floor()) for n in ROWS],
    }
    return Plot("rows", "error", marks, lines, log_x=True, log_y=True)


EXPERIMENT: Final = Experiment(
    name="E9",
    version=1,
    title="Even a small share of synthetic rows leaves an error that more rows do not take away",
    paper="[Dohmatob et al. 2024](https://arxiv.org/abs/2410.04840)",
    setup=(
        f"Least squares in {D} dimensions, a tenth of the rows with labels of another rule, "
        f"{ROWS[0]} to {ROWS[-1]:,} rows, noise of {NOISE}, {REPEATS} repeats"
    ),
    parts={SYNTHETIC: partial(_part, SHARE), REAL: partial(_part, 0.0)},
    conclude=conclude,
    plot=plot,
)
