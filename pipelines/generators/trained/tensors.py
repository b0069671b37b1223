"""Images as tensors that a network is trained on, and back.

Torch is imported late, since it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Training rows as tensors."""

    images: torch.Tensor
    """[n, c, h, w] in [-1, 1]."""
    classes: torch.Tensor
    """[n], places in the list of classes; all 0 where there are no labels."""
    weights: torch.Tensor
    """[n]."""


def training_data(
    pixels: NDArray[np.uint8],
    places: NDArray[np.int64],
    weights: NDArray[np.float64],
    size: Iterable[int],
    patch: int = 1,
) -> TrainingData:
    """Turn training rows into tensors.

    Args:
        pixels: [n, h, w], or [n, h, w, 3] in colour.
        places: [n], in the list of classes.
        weights: [n].
        size: that images are padded to, in patches.
        patch: side of the squares of pixels that become one place.
    """
    import torch  # noqa: PLC0415  slow to import

    return TrainingData(
        to_model(pixels, size, patch),
        torch.from_numpy(places),
        torch.from_numpy(weights.astype(np.float64)),
    )


def to_model(pixels: NDArray[np.uint8], size: Iterable[int], patch: int = 1) -> torch.Tensor:
    """Turn images into tensors [n, c, h', w'] in [-1, 1], padded to a size that halves.

    Greyscale, [n, h, w] in 0..255, is padded with black; colour, [n, h, w, 3], with the colours of
    its edge, because a frame of another colour is more to learn. Each square of `patch` by `patch`
    pixels becomes one place with more channels.
    """
    import torch  # noqa: PLC0415  slow to import

    sides = zip(size, pixels.shape[1:3], strict=True)
    spare = [(0, have * patch - side) for have, side in sides]
    if pixels.ndim == 3:  # noqa: PLR2004  n, h, w
        channels_first = np.pad(pixels, [(0, 0), *spare])[:, None]
    else:
        padded = np.pad(pixels, [(0, 0), *spare, (0, 0)], mode="edge")
        channels_first = np.ascontiguousarray(padded.transpose(0, 3, 1, 2))
    whole = torch.from_numpy(channels_first.astype(np.float32) / 127.5 - 1)
    return whole if patch == 1 else torch.nn.functional.pixel_unshuffle(whole, patch)


def from_model(images: torch.Tensor, shape: Sequence[int]) -> NDArray[np.float32]:
    """Turn tensors into images of a shape, cut off where they were padded.

    Args:
        images: [n, c, h', w'] in [-1, 1].
        shape: [h, w] or [h, w, 3].

    Returns:
        [n, h, w] or [n, h, w, 3] in [0, 1]; NaN where a number is not finite.
    """
    height, width, *colours = shape
    shown = images[:, :, :height, :width] if colours else images[:, 0, :height, :width]
    pixels = (shown.permute(0, 2, 3, 1) if colours else shown).float().cpu().numpy()
    pixels[~np.isfinite(pixels)] = np.nan
    return np.clip((pixels + 1) / 2, 0, 1).astype(np.float32)
