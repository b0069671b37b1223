"""Settings of the diffusion generator; apart from it, because params.yaml is read without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from pipelines.common.settings import StrictModel, suits_data

VERSION: Final = "diffusion/1"
"""Semantic version of the generator, raised when what it makes of equal input changes."""

Sampler = Literal["ddim", "ddpm", "dpm++", "sde-dpm++", "euler", "heun"]
DDIM: Final = "ddim"
"""The one that takes `eta`."""
NETWORK_SIDE: Final = 24
"""Greatest side of an image in colour as the network sees it, in patches."""
GREY: Final[Mapping[str, Any]] = {
    "channels": (24, 48),
    "patch": 1,
    "steps": 440,
    "batch": 32,
    "learning_rate": 1e-2,
    "ema": 0.98,
}
"""What suits greyscale images."""
COLOUR: Final[Mapping[str, Any]] = {
    "channels": (48, 96),
    "steps": 1600,
    "batch": 16,
    "learning_rate": 4e-3,
    "ema": 0.99,
}
"""What suits images in colour; the patch follows from their size."""


class DiffusionFit(StrictModel):
    """Settings of the training of a diffusion model.

    What is not given here suits the images: `GREY` or `COLOUR`.
    """

    channels: tuple[int, ...] | None = suits_data([24, 48], min_length=1)
    """Width of each level of the U-Net; each level after the first halves the image."""
    patch: int | None = Field(default=None, gt=0, le=16)
    """Side of the squares of pixels that the network takes as one; the cost falls with its square.
    """
    attention: bool = False
    """Self-attention at the lowest level."""
    layers: int = Field(default=1, gt=0)
    """Residual blocks per level."""
    groups: int = Field(default=8, gt=0)
    """Groups of the group norms; they must divide every width."""
    train_timesteps: int = Field(default=1000, gt=1)
    """Length of the noise schedule (squared cosine, v-prediction)."""
    steps: int | None = suits_data(440, gt=0)
    """Optimiser steps on `reference_rows` rows."""
    reference_rows: int = Field(default=1077, gt=0)
    """Steps grow with the root of rows / reference_rows."""
    batch: int | None = suits_data(32, gt=0)
    """Rows in a step of training; None: what suits the size of the images."""
    learning_rate: float | None = suits_data(1e-2, gt=0)
    """Peak of the one-cycle schedule."""
    ema: float | None = suits_data(0.98, ge=0, lt=1)
    """Decay of the averaged weights, which are the ones that are kept."""
    label_dropout: float = Field(default=0.05, ge=0, lt=1)
    """Share of labels hidden in training, for classifier-free guidance."""
    threads: int = Field(default=1, gt=0)
    """One torch thread is the fastest on a machine that does other things too."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""

    def suited(self, shape: tuple[int, ...]) -> Fitting:
        """Return all settings for images of a shape, [h, w] or [h, w, 3]."""
        is_grey = len(shape) == 2  # noqa: PLR2004  height and width
        halvings = max(0, math.ceil(math.log2(max(shape[:2]) / NETWORK_SIDE)))
        suits = GREY if is_grey else {**COLOUR, "patch": min(16, 2**halvings)}
        given = {name: value for name in suits if (value := getattr(self, name)) is not None}
        return Fitting(**{**self.model_dump(), **suits, **given})


class Fitting(DiffusionFit):
    """Settings of a training, of which none is left open."""

    channels: tuple[int, ...]
    patch: int
    steps: int
    batch: int
    learning_rate: float
    ema: float

    def described(self) -> dict[str, Any]:
        """Return the settings as the manifest of a generator states them."""
        return self.model_dump(mode="json", exclude={"patch"} if self.patch == 1 else None)


class DiffusionGenerate(StrictModel):
    """Settings of the sampling of images from a diffusion model."""

    steps: int = Field(default=20, gt=0)
    """Denoising steps per image; each of `heun` asks the network twice."""
    sampler: Sampler = "ddim"
    """How a step is made (`pipelines.generators.diffusion.samplers`). ddpm and sde-dpm++ add fresh
    noise in each step, and ddpm needs more of them than the others."""
    guidance: float = Field(default=1.0, ge=0)
    """Classifier-free guidance scale; 1 is none, and more costs variety and doubles the time."""
    eta: float | None = suits_data(0.7, ge=0, le=1)
    """Share of fresh noise in each DDIM step; 0 is deterministic given the first noise. Not given:
    0.7 for greyscale, 0 in colour, where few steps leave fresh noise behind."""
    batch: int = Field(default=100, gt=0)
    """Images that are made at once."""
    threads: int = Field(default=1, gt=0)
    """Threads of torch; more are faster, and another number may round otherwise."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""

    @model_validator(mode="after")
    def _check(self) -> DiffusionGenerate:
        if self.eta is not None and self.sampler != DDIM:
            raise ValueError(f"eta is a setting of the sampler ddim, and {self.sampler} has none")
        return self

    def noise(self, shape: Sequence[int]) -> float:
        """Return `eta` for images of a shape, [h, w] or [h, w, 3]."""
        suits = 0.7 if len(shape) == 2 else 0.0  # noqa: PLR2004  height and width
        return suits if self.eta is None else self.eta
