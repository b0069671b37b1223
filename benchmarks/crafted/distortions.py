"""What is done to images: styles, noise, shifts, and what is typical or rare among them."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted.world import SIDE, Pixels, Rows

MODES: Final = 40
ROUNDS: Final = 8
"""Corrections of the scale of noise."""
STEPS: Final = np.asarray([(0, 1), (0, -1), (1, 0), (-1, 0)])


def contrast(pixels: Pixels, factor: float) -> Pixels:
    """Scale the distance of each pixel from the mean of all."""
    mean = pixels.mean()
    found: Pixels = (mean + factor * (pixels - mean)).astype(np.float32)
    return found


def brightness(pixels: Pixels, factor: float) -> Pixels:
    """Scale each pixel."""
    return (factor * pixels).astype(np.float32)


def noise(pixels: Pixels, rms: float, draw: Generator) -> Pixels:
    """Add noise to each image that moves it by this RMS after values are clipped to [0, 1]."""
    added, scale = draw.normal(size=pixels.shape), np.full((len(pixels), 1), rms)
    for _ in range(ROUNDS):
        made = np.clip(pixels + scale * added, 0, 1)
        moved = np.sqrt(np.square(made - pixels).mean(axis=1, keepdims=True))
        scale *= rms / np.maximum(moved, 1e-12)
    return made.astype(np.float32)


def shift(pixels: Pixels, draw: Generator) -> Pixels:
    """Move each digit by a pixel, in any of four directions."""
    moved = shifted(pixels.reshape(-1, SIDE, SIDE), draw, 1, "constant")
    return moved.reshape(len(pixels), -1)


def shifted(images: Pixels, draw: Generator, by: int, fill: Literal["constant", "edge"]) -> Pixels:
    """Move each image, [n, h, w] or [n, h, w, 3], so many pixels in any of four directions."""
    height, width = images.shape[1:3]
    rest = [(0, 0)] * (images.ndim - 3)
    padded = np.pad(images, [(0, 0), (by, by), (by, by), *rest], mode=fill)
    moved = np.empty_like(images)
    for number, step in enumerate(STEPS[draw.integers(len(STEPS), size=len(images))]):
        down, right = by - by * step
        moved[number] = padded[number, down : down + height, right : right + width]
    return moved


def fellow(rows: Rows, first: NDArray[np.int64], k: int, draw: Generator) -> NDArray[np.int64]:
    """Choose for each row one of its k nearest of the same class."""
    apart = _distances(rows.pixels[first], rows.pixels)
    apart[rows.labels[first][:, None] != rows.labels[None, :]] = np.inf
    apart[np.arange(len(first)), first] = np.inf
    close = np.argsort(apart, axis=1)[:, :k]
    chosen: NDArray[np.int64] = close[np.arange(len(first)), draw.integers(k, size=len(first))]
    return chosen


def rank_in_class(rows: Rows) -> NDArray[np.float64]:
    """Rank each row by its distance from the mean of its class, in [0, 1)."""
    rank = np.empty(len(rows.labels))
    for label in np.unique(rows.labels):
        ours = np.flatnonzero(rows.labels == label)
        apart = np.square(rows.pixels[ours] - rows.pixels[ours].mean(axis=0)).sum(axis=1)
        rank[ours] = np.argsort(np.argsort(apart)) / len(ours)
    return rank


def in_rare_modes(rows: Rows, share: float) -> NDArray[np.bool_]:
    """Tell which rows are in the smallest of `MODES` clusters, so large a share of these."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  slow to import

    found = KMeans(MODES, n_init=1, random_state=0).fit_predict(rows.pixels)
    sizes = np.bincount(found, minlength=MODES)
    smallest = np.argsort(sizes)[: round(share * MODES)]
    return np.isin(found, smallest)


def _distances(left: Pixels, right: Pixels) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist  # noqa: PLC0415  slow to import

    found: NDArray[np.float64] = cdist(left, right)
    return found
