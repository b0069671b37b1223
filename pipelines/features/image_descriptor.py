"""Describe images by numbers that a classifier learns from: pixels of small ones, shape and colour.

An image of at most `PLAIN` numbers is its pixels. Of a larger one, a thousand rows say too little
about each pixel, so it is reduced to 32 by 32 and described by

- the mean colour of each of 8 by 8 blocks;
- histograms of oriented gradients (Dalal & Triggs 2005), 8 directions in each of 8 by 8 cells, as
  shares of the whole (their roots, Arandjelović & Zisserman 2012);
- the share of each of 64 colours (their roots), or of each of 16 shades.

Nothing of it is fitted, so it is the same for every row of every data set.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import images

PLAIN: Final = 1 << 10
"""Greatest number of values of an image that is described by its pixels."""
SIDE: Final = 32
"""Height and width of a reduced image."""
SMALL: Final = 16
"""Height and width of an image by which copies are told."""
CELL: Final = 4
"""Side of a block or cell, in pixels of the reduced image."""
DIRECTIONS: Final = 8
SHADES: Final = {1: 16, 3: 4}
"""Steps of brightness, of one channel or of each of three."""

Values = NDArray[np.float32]


def is_plain(shape: tuple[int, ...]) -> bool:
    """Tell whether images of this shape, [h, w] or [h, w, 3], are described by their pixels."""
    return math.prod(shape) <= PLAIN


def described(values: Values) -> Values:
    """Describe images.

    Args:
        values: [n, h, w] or [n, h, w, 3] in [0, 1]; an image that is not finite stays so.

    Returns:
        [n, d]; pixels where the images are small.
    """
    if is_plain(values.shape[1:]) or not len(values):
        return values.reshape(len(values), math.prod(values.shape[1:]))
    finite = images.finite(values)
    parts = _described(reduced(values[finite]))
    result = np.full((len(values), parts.shape[1]), np.nan, dtype=np.float32)
    result[finite] = parts
    return result


def reduced(values: Values) -> Values:
    """Reduce images to `SIDE` by `SIDE`, each pixel the mean of those that it stands for.

    Args:
        values: [n, h, w] or [n, h, w, 3] in [0, 1], finite.

    Returns:
        [n, SIDE, SIDE, c] in [0, 1], c 1 or 3.
    """
    from PIL import Image  # noqa: PLC0415  light commands need no images

    channels = math.prod(values.shape[3:])
    small = np.empty((len(values), SIDE, SIDE, channels), dtype=np.uint8)
    for place, pixels in enumerate(images.to_bytes(values)):
        image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)
        small[place] = np.asarray(image).reshape(SIDE, SIDE, channels)
    return images.to_unit(small)


def small(values: Values) -> Values:
    """Reduce images to `SMALL` by `SMALL`, so that copies can be told by their pixels.

    Args:
        values: [n, h, w] or [n, h, w, 3] in [0, 1], finite.

    Returns:
        [n, SMALL, SMALL, c] in [0, 1], c 1 or 3.
    """
    fine = reduced(values)
    cell = SIDE // SMALL
    cells = fine.reshape(len(fine), SMALL, cell, SMALL, cell, fine.shape[3])
    means: Values = cells.mean(axis=(2, 4))
    return means


def _described(values: Values) -> Values:
    """Describe reduced images, [n, SIDE, SIDE, c]; each part has a length of about 1."""
    blocks = _cells(values) - 0.5
    blocks *= 4 / math.sqrt(math.prod(blocks.shape[1:]))
    parts = (blocks, np.sqrt(_gradients(values)), np.sqrt(_colours(values)))
    flat = [part.reshape(len(values), math.prod(part.shape[1:])) for part in parts]
    return np.concatenate(flat, axis=1).astype(np.float32)


def _cells(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Average over cells: [n, SIDE, SIDE, c] to [n, SIDE / CELL, SIDE / CELL, c]."""
    count, side = len(values), SIDE // CELL
    cells = values.reshape(count, side, CELL, side, CELL, values.shape[3])
    means: NDArray[np.floating] = cells.mean(axis=(2, 4))
    return means


def _gradients(values: Values) -> NDArray[np.floating]:
    """Share of each direction of change in each cell, [n, 8, 8, DIRECTIONS]."""
    down, across = np.zeros_like(values), np.zeros_like(values)
    down[:, 1:-1] = values[:, 2:] - values[:, :-2]
    across[:, :, 1:-1] = values[:, :, 2:] - values[:, :, :-2]
    strongest = np.hypot(across, down).argmax(axis=3)[..., None]
    down, across = (np.take_along_axis(each, strongest, axis=3)[..., 0] for each in (down, across))
    direction = np.floor((np.arctan2(down, across) % np.pi) / np.pi * DIRECTIONS) % DIRECTIONS
    strength = np.hypot(across, down)
    by_direction = np.stack([strength * (direction == each) for each in range(DIRECTIONS)], axis=3)
    cells = _cells(by_direction)
    shares: NDArray[np.floating] = cells / np.maximum(
        cells.sum(axis=(1, 2, 3), keepdims=True), 1e-6
    )
    return shares


def _colours(values: Values) -> NDArray[np.floating]:
    """Share of each colour or shade in the image, [n, colours]."""
    count, channels = len(values), values.shape[3]
    steps = SHADES[channels]
    shades = np.minimum((values * steps).astype(np.int64), steps - 1)
    colour = (shades * steps ** np.arange(channels)).sum(axis=3).reshape(count, SIDE * SIDE)
    colours = steps**channels
    numbered = colour + np.arange(count)[:, None] * colours
    counts = np.bincount(numbered.ravel(), minlength=count * colours)
    return counts.reshape(count, colours) / (SIDE * SIDE)
