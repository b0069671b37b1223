"""Take the style out of images: brightness and contrast of each as a whole."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PLAIN: Final = 1e-6
"""Spread of pixels below which an image is plain and has no contrast to divide by."""


def neutral(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move the mean of each image to 0 and the root mean square of its pixels to 1.

    Two images that differ in brightness and contrast alone become equal.

    Args:
        pixels: [n, d] in [0, 1].

    Returns:
        [n, d]; a plain image is 0 throughout.
    """
    centred = pixels.astype(np.float64) - pixels.mean(axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True))
    found: NDArray[np.float32] = np.where(
        spread > PLAIN, centred / np.maximum(spread, PLAIN), 0.0
    ).astype(np.float32)
    return found
