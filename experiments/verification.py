"""E8: a verifier makes wrong labels learnable up to a share of errors that its quality sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr

from experiments.experiment import (
    Experiment,
    Finding,
    Part,
    Plot,
    at_least,
    at_most,
    mean_of,
    near,
)

D, ROWS, DISTANCE, REPEATS = 50, 20_000, 2.0, 4
"""Dimensions, rows before a verifier, distance of each class from their middle, repeats."""
VERIFIERS: Final = ((1.0, 0.6), (0.9, 0.5), (0.8, 0.8), (0.5, 0.9))
"""Shares of right and of wrong rows that each keeps, φ and ψ."""
OFFSETS: Final = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
"""Shares of wrong labels that are tried, less p*."""
LEARNT, FOOLED, WITHIN = 0.9, 0.1, 0.02
"""Accuracy below and above p*, and how near the share of wrong rows is to its formula."""


def threshold(keeps: float, passes: float) -> float:
    """Share of wrong labels up to which training works, p* = φ/(φ+ψ) (Feng et al. 2024)."""
    return keeps / (keeps + passes)


def residual(wrong: float, keeps: float, passes: float) -> float:
    """Share of wrong labels among kept rows, pψ/(pψ+(1−p)φ) (the same)."""
    return wrong * passes / (wrong * passes + (1 - wrong) * keeps)


def _name(keeps: float, passes: float) -> str:
    return f"φ = {keeps:g}, ψ = {passes:g}"


def _rows(draw: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw points [n, d] of two Gaussians that lie apart along the first axis, and labels of ±1."""
    labels = np.sign(draw.random(ROWS) - 0.5)
    points = draw.standard_normal((ROWS, D))
    points[:, 0] += DISTANCE * labels
    return points, labels


def best_accuracy() -> float:
    """Accuracy of the best rule on these classes, Φ(distance)."""
    return float(ndtr(DISTANCE))


def _learnt(
    rows: tuple[NDArray[np.float64], NDArray[np.float64]],
    verifier: tuple[float, float],
    wrong: float,
    draw: Generator,
) -> tuple[float, float]:
    """Train on the rows that a verifier keeps of labels with errors.

    Returns:
        Accuracy of the linear rule, which is Φ of the distance along it, and share of wrong labels
        among the kept rows.
    """
    points, labels = rows
    keeps, passes = verifier
    flipped = draw.random(ROWS) < wrong
    kept = draw.random(ROWS) < np.where(flipped, passes, keeps)
    seen, told = points[kept], labels[kept] * np.where(flipped[kept], -1, 1)
    rule = np.linalg.solve(seen.T @ seen, seen.T @ told)
    accuracy = ndtr(DISTANCE * rule[0] / np.linalg.norm(rule))
    return float(accuracy), float(flipped[kept].mean())


def _part(keeps: float, passes: float, seed: int) -> Part:
    draw, limit = np.random.default_rng(seed), threshold(keeps, passes)
    found = np.empty((REPEATS, len(OFFSETS), 2))
    for repeat in range(REPEATS):
        rows = _rows(draw)
        for at, offset in enumerate(OFFSETS):
            found[repeat, at] = _learnt(rows, (keeps, passes), limit + offset, draw)
    below, above = OFFSETS.index(-0.1), OFFSETS.index(0.1)
    figures = {
        "below": mean_of(found[:, below, 0]),
        "above": mean_of(found[:, above, 0]),
        "wrong": mean_of(found[:, below, 1]),
    }
    means = found[:, :, 0].mean(axis=0)
    return Part(figures, {"accuracy": [(o, float(m)) for o, m in zip(OFFSETS, means, strict=True)]})


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold accuracies below and above p* against limits, and kept errors against the formula."""
    found = []
    for keeps, passes in VERIFIERS:
        name = _name(keeps, passes)
        figures, limit = parts[name].figures, threshold(keeps, passes)
        found += [
            at_least(f"accuracy at p* − 0.1, {name}", figures["below"], LEARNT),
            at_most(f"accuracy at p* + 0.1, {name}", figures["above"], FOOLED),
            near(
                f"wrong labels among kept rows at p* − 0.1, {name}",
                figures["wrong"],
                residual(limit - 0.1, keeps, passes),
                WITHIN,
            ),
        ]
    return found


def plot(parts: Mapping[str, Part]) -> Plot:
    """Accuracies by the share of wrong labels."""
    marks = {name: part.curves["accuracy"] for name, part in parts.items()}
    return Plot("share of wrong labels − p*", "accuracy", marks)


EXPERIMENT: Final = Experiment(
    name="E8",
    version=1,
    title="Training on what a verifier keeps works below p*, and not above",
    paper="[Feng et al. 2024](https://arxiv.org/abs/2406.07515)",
    setup=(
        f"Two Gaussians in {D} dimensions, a linear rule by least squares on what is kept of "
        f"{ROWS:,} rows with wrong labels, four verifiers, {REPEATS} repeats; the best rule has an "
        f"accuracy of {best_accuracy():.3f}"
    ),
    parts={_name(*each): partial(_part, *each) for each in VERIFIERS},
    conclude=conclude,
    plot=plot,
)
