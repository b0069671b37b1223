"""Edits of one image, and mixtures of two edited ones.

The edits are those that the field uses everywhere (Shorten and Khoshgoftaar 2019, "A survey on
image data augmentation for deep learning", doi 10.1186/s40537-019-0197-0), by Pillow's functions;
mixup is Zhang et al. 2018 (arXiv 1710.09412), CutMix is Yun et al. 2019 (arXiv 1905.04899).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from pipelines.features.images import COLOUR
from pipelines.generators.augment.settings import ImageEdits

Pixels = NDArray[np.uint8]
Bilinear: Final = Image.Resampling.BILINEAR


def edited(pixels: Pixels, edits: ImageEdits, draw: np.random.Generator) -> Pixels:
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


def _turned(image: Image.Image, edits: ImageEdits, draw: np.random.Generator) -> Image.Image:
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
