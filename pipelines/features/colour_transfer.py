"""Bring the colours of a set of images to those of another set by one linear map for all of them.

Brightness, contrast, saturation and tint that all images of a set have in common are linear maps of
their colours. The linear Monge-Kantorovich map undoes them: of all linear maps that give pixels the
mean and covariance of other pixels it moves them least (Pitié & Kokaram 2007, "The linear
Monge-Kantorovitch colour mapping for example-based colour transfer"). One map for the whole set
leaves what its images do not share: an image that is paler than the others stays so. The covariance
is that within images. A style changes it as it changes that between them, so both give its map; but
a set whose images have lost a part of the range of colours has lost it between them, and keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

GAIN: Final = 4.0
"""Greatest factor by which a direction of colours is stretched, and 1 over it the least: eight bits
keep nothing of what was flattened more."""
PLAIN: Final = 1e-8
"""Variance of all channels at which images are of one colour, and what is added to each direction
of colours, so that one without any variance is not divided by."""

Values = NDArray[np.float32]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """Mean [c] of the pixels of some images, their covariance [c, c] within images, their number.

    The covariance is about the mean of the image that a pixel belongs to.
    """

    mean: Matrix
    covariance: Matrix
    pixels: int

    @classmethod
    def of(cls, values: Values) -> Self:
        """Take mean and covariance of all pixels of images, [n, h, w] or [n, h, w, c], n ≥ 1."""
        flat = _flat(values)
        of_images = flat.reshape(len(values), -1, flat.shape[1])
        centred = (of_images - of_images.mean(axis=1, keepdims=True)).reshape(flat.shape)
        return cls(flat.mean(axis=0), centred.T @ centred / len(flat), len(flat))

    def joined(self, other: Colours) -> Colours:
        """Return mean and covariance of the pixels of both, which share no image."""
        pixels = self.pixels + other.pixels
        share = other.pixels / pixels
        covariance = (1 - share) * self.covariance + share * other.covariance
        return Colours(self.mean + share * (other.mean - self.mean), covariance, pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """A linear map of colours: `matrix` [c, c] about `before` [c], which becomes `after` [c]."""

    matrix: Matrix
    before: Matrix
    after: Matrix

    @classmethod
    def between(cls, ours: Colours, theirs: Colours) -> Self:
        """Make the map that gives pixels of `ours` the mean and covariance of `theirs`.

        No direction is stretched or pressed by more than `GAIN`; where each image of either set is
        of one colour, pixels are moved and not stretched at all.
        """
        if min(np.trace(each.covariance) for each in (ours, theirs)) <= PLAIN:
            return cls(np.eye(len(ours.mean)), ours.mean, theirs.mean)
        own = ours.covariance + PLAIN * np.eye(len(ours.mean))
        root, inverse = _power(own, 0.5), _power(own, -0.5)
        matrix = inverse @ _power(root @ theirs.covariance @ root, 0.5) @ inverse
        return cls(_bounded(matrix), ours.mean, theirs.mean)

    def __call__(self, values: Values) -> Values:
        """Map images, [n, h, w] or [n, h, w, c] in [0, 1]; what would leave [0, 1] is cut off."""
        moved = (_flat(values) - self.before) @ self.matrix.T + self.after
        return np.clip(moved, 0, 1).astype(np.float32).reshape(values.shape)


def _flat(values: Values) -> Matrix:
    """Arrange pixels in rows, [pixels, c]."""
    channels = math.prod(values.shape[3:])
    flat: Matrix = values.reshape(-1, channels).astype(np.float64)
    return flat


def _bounded(matrix: Matrix) -> Matrix:
    """Bound the gains of a symmetric map."""
    gains, directions = np.linalg.eigh((matrix + matrix.T) / 2)
    bounded: Matrix = directions @ np.diag(np.clip(gains, 1 / GAIN, GAIN)) @ directions.T
    return bounded


def _power(matrix: Matrix, power: float) -> Matrix:
    """Raise a symmetric positive semidefinite matrix to a power."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    raised: Matrix = vectors @ np.diag(np.maximum(values, 1e-15) ** power) @ vectors.T
    return raised
