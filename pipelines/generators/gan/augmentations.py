"""Differentiable augmentation of what a critic sees (Zhao et al. 2020, arXiv 2006.10738).

Real and made images are edited alike, in each step of either network, and gradients pass through
the edits. So a critic of few real rows does not learn them by heart, and what the generator makes
is not edited itself. Written after the paper's section 3 and appendix: colour is brightness,
saturation and contrast; translation is by up to an eighth of the side, what comes in is black;
cutout hides a square of half the side.

Images are [n, c, h, w] in [-1, 1]; -1 is black.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch

from pipelines.generators.gan.settings import Augmentation

SHIFT: Final = 8
"""An image is moved by up to its side over this."""
CUTOUT: Final = 2
"""A hidden square has the image's side over this."""
BLACK: Final = -1.0


def augmented(
    images: torch.Tensor, names: Sequence[Augmentation], draw: torch.Generator
) -> torch.Tensor:
    """Edit each image of a batch by chance.

    Args:
        images: [n, c, h, w] in [-1, 1].
        names: what is done.
        draw: of what is left to chance; on the processor, so that it is the same on every device.
    """
    for name in names:
        images = EDITS[name](images, draw)
    return images


def _colour(images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Change brightness by up to a quarter of the range, saturation by 0 to 2, contrast by 1/2."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, generator=draw).to(
        images.device
    )
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    edited: torch.Tensor = (images - mean) * (contrast + 0.5) + mean
    return edited


def _translation(images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Move each image by whole pixels, up to an eighth of its side."""
    rows, inside_rows = _moved(images.shape[2], len(images), draw, images.device)
    columns, inside_columns = _moved(images.shape[3], len(images), draw, images.device)
    every = torch.arange(len(images), device=images.device)[:, None, None]
    taken = images.permute(0, 2, 3, 1)[every, rows[:, :, None], columns[:, None, :]]
    inside = (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
    return torch.where(inside, taken.permute(0, 3, 1, 2), BLACK)


def _moved(
    side: int, count: int, draw: torch.Generator, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each place of a side is from, [count, side], and whether that is inside."""
    most = max(1, round(side / SHIFT))
    shift = torch.randint(-most, most + 1, (count, 1), generator=draw)
    places = torch.arange(side)[None] + shift
    inside = (places >= 0) & (places < side)
    return places.clamp(0, side - 1).to(device), inside.to(device)


def _cutout(images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Hide a square whose centre is anywhere in the image, by grey."""
    hidden = [
        _covered(side, len(images), draw, images.device)[:, None]
        for side in (images.shape[2], images.shape[3])
    ]
    square = hidden[0][..., :, None] & hidden[1][..., None, :]
    return torch.where(square, 0.0, images)


def _covered(side: int, count: int, draw: torch.Generator, device: torch.device) -> torch.Tensor:
    """Which places of a side a square covers, [count, side]."""
    size = max(1, side // CUTOUT)
    centre = torch.randint(0, side + 1 - size % 2, (count, 1), generator=draw)
    places = torch.arange(side)[None]
    first = centre - size // 2
    return ((places >= first) & (places < first + size)).to(device)


EDITS: Final[Mapping[Augmentation, Callable[[torch.Tensor, torch.Generator], torch.Tensor]]] = {
    "colour": _colour,
    "translation": _translation,
    "cutout": _cutout,
}
