"""Images that the suite's classifier takes for another class than they are of.

The gradient of the margins of support vector machines with a radial kernel has a closed form, so an
image is moved along it until the wanted label leads clearly (projected gradient ascent; Madry et
al. 2018, arXiv:1706.06083).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted.world import Rows
from pipelines.features.image_classifier import Classifier

STEPS: Final = 40
STEP: Final = 0.02
"""Length of a step, as RMS of pixels."""
LEAD: Final = 0.5
"""Margin by which the wanted label leads before an image is left alone."""


def fool(judge: Classifier, rows: Rows, draw: Generator) -> Rows:
    """Move each image until the judge sees another label, drawn at random; keep those that fool it.

    Returns:
        Images under the label that the judge sees, which they are not of.
    """
    wanted = (rows.labels + draw.integers(1, 10, size=len(rows.labels))) % 10
    at = np.searchsorted(judge.classes, wanted)
    pixels = rows.pixels.astype(np.float64)
    for _ in range(STEPS):
        margins = judge.margins(pixels.astype(np.float32))
        rival = _rival(margins, at)
        going = margins[np.arange(len(at)), at] - margins[np.arange(len(at)), rival] < LEAD
        if not going.any():
            break
        uphill = _gradients(judge, pixels[going], at[going])
        uphill -= _gradients(judge, pixels[going], rival[going])
        length = np.sqrt(np.square(uphill).mean(axis=1, keepdims=True))
        pixels[going] = np.clip(pixels[going] + STEP * uphill / np.maximum(length, 1e-12), 0, 1)
    made = pixels.astype(np.float32)
    return Rows.of(made, wanted).at(judge.labels(made) == wanted)


def _rival(margins: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the label that leads among the others."""
    others = margins.copy()
    others[np.arange(len(at)), at] = -np.inf
    found: NDArray[np.int64] = others.argmax(axis=1)
    return found


def _gradients(
    judge: Classifier, pixels: NDArray[np.float64], of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Compute the gradient of one margin of each image, [n, d]."""
    found = np.zeros_like(pixels)
    for number, machine in enumerate(judge.machines):
        ours = of == number
        if ours.any():
            found[ours] = _gradient(machine, pixels[ours])
    return found


def _gradient(machine: Any, pixels: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401
    """Compute the gradient of Σ a·exp(−g|x − s|²), which is Σ −2g(x − s)·a·exp(−g|x − s|²)."""
    gamma, support = machine._gamma, machine.support_vectors_  # noqa: SLF001  it has no other name
    apart = pixels[:, None, :] - support[None, :, :]
    kernel = np.exp(-gamma * np.square(apart).sum(axis=2)) * machine.dual_coef_[0]
    found: NDArray[np.float64] = -2 * gamma * np.einsum("nm,nmd->nd", kernel, apart)
    return found
