"""Settings of the diffusion generator; apart from it, because params.yaml is read without torch."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from pipelines.common.settings import StrictModel

VERSION: Final = "diffusion/1"
"""Semantic version of the generator, raised when what it makes of equal input changes."""


class DiffusionFit(StrictModel):
    """Settings of the training of a diffusion model."""

    channels: tuple[int, ...] = Field(default=(24, 48), min_length=1)
    """Width of each level of the U-Net; each level after the first halves the image."""
    attention: bool = False
    """Self-attention at the lowest level."""
    layers: int = Field(default=1, gt=0)
    """Residual blocks per level."""
    groups: int = Field(default=8, gt=0)
    """Groups of the group norms; they must divide every width."""
    train_timesteps: int = Field(default=1000, gt=1)
    """Length of the noise schedule (squared cosine, v-prediction)."""
    steps: int = Field(default=440, gt=0)
    """Optimiser steps on `reference_rows` rows."""
    reference_rows: int = Field(default=1077, gt=0)
    """Steps grow with the root of rows / reference_rows."""
    batch: int = Field(default=32, gt=0)
    learning_rate: float = Field(default=1e-2, gt=0)
    """Peak of the one-cycle schedule."""
    ema: float = Field(default=0.98, ge=0, lt=1)
    """Decay of the averaged weights, which are the ones that are kept."""
    label_dropout: float = Field(default=0.05, ge=0, lt=1)
    """Share of labels hidden in training, for classifier-free guidance."""
    threads: int = Field(default=1, gt=0)
    """One torch thread is the fastest on a machine that does other things too."""
    device: Literal["auto", "cpu", "cuda"] = "auto"


class DiffusionGenerate(StrictModel):
    """Settings of the sampling of images from a diffusion model."""

    steps: int = Field(default=20, gt=0)
    """Denoising steps per image."""
    guidance: float = Field(default=1.0, ge=0)
    """Classifier-free guidance scale; 1 is none, and more costs variety and doubles the time."""
    eta: float = Field(default=0.7, ge=0, le=1)
    """Share of fresh noise in each DDIM step; 0 is deterministic given the first noise."""
    batch: int = Field(default=100, gt=0)
    threads: int = Field(default=1, gt=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
