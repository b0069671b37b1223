"""Mixtures of two edited images.

mixup is Zhang et al. 2018 (arXiv 1710.09412), CutMix is Yun et al. 2019 (arXiv 1905.04899).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def mixup(first: Pixels, second: Pixels, share: float) -> Pixels:
    """Take the weighted mean of two images of one shape.

    Args:
        first: [h, w] or [h, w, 3].
        second: the same.
        share: of the second image, in [0, 1].
    """
    ends = first.astype(np.float64), second.astype(np.float64)
    return np.rint((1 - share) * ends[0] + share * ends[1]).astype(np.uint8)


def cutmix(
    first: Pixels, second: Pixels, share: float, draw: np.random.Generator
) -> tuple[Pixels, float]:
    """Paste a rectangle of the second image into the first one, at the same place.

    Height and width of the rectangle are those of the image times the root of the share; unlike in
    the paper it lies within the image, so its area is what was drawn, up to whole pixels.

    Args:
        first: [h, w] or [h, w, 3], of two pixels at least.
        second: the same.
        share: of the second image, in (0, 1).
        draw: of the place.

    Returns:
        The image, and the share of its area that is of the second one, in (0, 1).
    """
    height, width = first.shape[:2]
    sides = [min(max(round(each * share**0.5), 1), each) for each in (height, width)]
    if sides == [height, width]:  # something of the first image stays
        sides[0 if height > 1 else 1] -= 1
    top, left = (int(draw.integers(0, whole - side + 1)) for whole, side in
                 zip((height, width), sides, strict=True))  # fmt: skip
    box = slice(top, top + sides[0]), slice(left, left + sides[1])
    pasted = first.copy()
    pasted[box] = second[box]
    return pasted, sides[0] * sides[1] / (height * width)
