"""Settings of the GAN generator; apart from it, because params.yaml is read without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field

from pipelines.common.settings import StrictModel

VERSION: Final = "gan/1"
"""Semantic version of the generator, raised when what it makes of equal input changes."""
SMALLEST: Final = 4
"""Side of the map that the networks' lowest level sees, about."""

PLAIN: Final = 16
"""Side of images up to which nothing is done to them before the critic sees them."""

Augmentation = Literal["colour", "translation", "cutout"]


class GanFit(StrictModel):
    """Settings of the training of a pair of adversarial networks."""

    latent: int = Field(default=64, gt=0, le=1024)
    """Numbers of noise that an image is made of."""
    channels: int = Field(default=24, gt=0, le=1024)
    """Width of the level of the full size; each lower one has twice as much, up to `widest`."""
    widest: int = Field(default=128, gt=0, le=2048)
    """Most channels of a layer."""
    steps: int = Field(default=1000, gt=0)
    """Steps of the generator on `reference_rows` rows; each follows `critic_steps` of the critic.
    """
    reference_rows: int = Field(default=1077, gt=0)
    """Steps grow with the root of rows / reference_rows."""
    critic_steps: int = Field(default=1, gt=0, le=16)
    """Steps of the critic for each of the generator."""
    batch: int = Field(default=32, gt=1)
    """Rows in a step of training."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Of the generator; it falls to nothing over the second half of the steps."""
    critic_rate: float = Field(default=2e-3, gt=0)
    """Of the critic, the same."""
    ema: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the averaged weights of the generator, which are the ones that are kept."""
    augment: tuple[Augmentation, ...] | None = None
    """What is done to real and made images before the critic sees them. Not given: colour,
    translation and cutout where a side is longer than 16 pixels, and nothing to smaller images, of
    which an edit leaves too little."""
    threads: int = Field(default=1, gt=0)
    """One torch thread is the fastest on a machine that does other things too."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""

    def edits(self, size: Sequence[int]) -> tuple[Augmentation, ...]:
        """Return what is done to images of a height and width before the critic sees them."""
        if self.augment is not None:
            return self.augment
        return ("colour", "translation", "cutout") if max(size) > PLAIN else ()


class GanGenerate(StrictModel):
    """Settings of the sampling of images from a GAN."""

    truncation: float | None = Field(default=None, gt=0)
    """Noise beyond this many standard deviations is drawn again: less variety, fewer failures; not
    given: none is."""
    batch: int = Field(default=256, gt=0)
    """Images that are made at once."""
    threads: int = Field(default=1, gt=0)
    """Threads of torch; more are faster, and another number may round otherwise."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""
