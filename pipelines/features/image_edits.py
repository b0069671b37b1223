"""Edits of one image that keep what it shows.

They are those that the field uses everywhere (Shorten and Khoshgoftaar 2019, "A survey on image
data augmentation for deep learning", doi 10.1186/s40537-019-0197-0), by Pillow's functions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from pipelines.features.edit_settings import Edits
from pipelines.features.images import COLOUR

Pixels = NDArray[np.uint8]
Bilinear: Final = Image.Resampling.BILINEAR


def edited(pixels: Pixels, edits: Edits, draw: np.random.Generator) -> Pixels:
    """Edit an image.

    Args:
        pixels: [h, w] or [h, w, 3].
        edits: what is done, and how far.
        draw: of what is left to chance.

    Returns:
        Of the same shape.
    """
    image = _turned(Image.fromarray(pixels), edits, draw)
    image = _cropped(image, edits.crop, draw)
    for enhance, share in (
        (ImageEnhance.Brightness, edits.brightness),
        (ImageEnhance.Contrast, edits.contrast),
        (ImageEnhance.Color, edits.saturation if image.mode == COLOUR else 0.0),
    ):
        if share:
            image = enhance(image).enhance(draw.uniform(1 - share, 1 + share))
    return _noisy(np.asarray(image, dtype=np.uint8), edits.noise, draw)


def _turned(image: Image.Image, edits: Edits, draw: np.random.Generator) -> Image.Image:
    """Mirror and rotate an image."""
    if draw.random() < edits.flip:
        image = ImageOps.mirror(image)
    if draw.random() < edits.vertical_flip:
        image = ImageOps.flip(image)
    if not edits.rotation:
        return image
    angle = draw.uniform(-edits.rotation, edits.rotation)
    return image.rotate(angle, resample=Bilinear, fillcolor=_ground(np.asarray(image)))


def _ground(pixels: Pixels) -> int | tuple[int, ...]:
    """Return the median of the pixels at the border, as a colour of Pillow's."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    median = np.median(border, axis=0).astype(int)
    return tuple(map(int, median)) if median.ndim else int(median)


def _cropped(image: Image.Image, least: float, draw: np.random.Generator) -> Image.Image:
    """Keep a part of an image, and bring it back to its size."""
    if least == 1:
        return image
    share = draw.uniform(least, 1)
    width, height = image.width * share, image.height * share
    left, top = draw.uniform(0, image.width - width), draw.uniform(0, image.height - height)
    return image.resize(image.size, Bilinear, box=(left, top, left + width, top + height))


def _noisy(pixels: Pixels, deviation: float, draw: np.random.Generator) -> Pixels:
    """Add Gaussian noise to pixels."""
    if not deviation:
        return pixels
    noisy: NDArray[np.float64] = pixels + draw.normal(0, 255 * deviation, pixels.shape)
    return np.rint(np.clip(noisy, 0, 255)).astype(np.uint8)
