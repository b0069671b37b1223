"""Samplers of the diffusion generator: how noise becomes an image in a number of steps.

Each is a scheduler of diffusers on the schedule that the network was trained with. Of these, DDIM
(Song et al. 2021) takes a share of fresh noise, `eta`; the stochastic ones draw theirs from the
generator of the shard, so that a replay draws the same.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipelines.generators.diffusion import unet
from pipelines.generators.diffusion.settings import DDIM, Sampler

if TYPE_CHECKING:
    import torch

COMMON: Final = ("num_train_timesteps", "beta_schedule", "prediction_type", "timestep_spacing")
"""Arguments that every scheduler takes from the schedule of the training."""
CLIPPED: Final = -5.1
"""Least half log signal-to-noise ratio of a step, which the squared-cosine schedule needs (the
documentation of `DPMSolverMultistepScheduler`)."""
SCHEDULERS: Final[Mapping[Sampler, tuple[str, Mapping[str, Any]]]] = {
    "ddpm": ("DDPMScheduler", {"clip_sample": True}),
    "dpm++": ("DPMSolverMultistepScheduler", {"lambda_min_clipped": CLIPPED}),
    "sde-dpm++": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "lambda_min_clipped": CLIPPED},
    ),
    "euler": ("EulerDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
}
"""Class in diffusers and its own arguments: Ho et al. 2020; Lu et al. 2022 (DPM-Solver++, and its
stochastic kind); Karras et al. 2022 (Euler and Heun)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How noise becomes images."""

    schedule: Mapping[str, Any]
    """As the manifest has it."""
    steps: int
    eta: float
    """Of DDIM, its share of fresh noise."""
    start: torch.Tensor
    """Standard Gaussian noise, [n, c, h, w], on the network's device."""
    draw: torch.Generator
    """Of all further noise, on the processor."""
    guess: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """What the network predicts of images at a time."""


def run(sampler: Sampler, sampling: Sampling) -> torch.Tensor:
    """Turn noise into images, [n, c, h, w]."""
    if sampler == DDIM:
        return _ddim(sampling)
    with warnings.catch_warnings():  # diffusers hands tensors to numpy in a way that ages
        warnings.simplefilter("ignore", DeprecationWarning)
        return _stepped(_made(sampler, sampling.schedule, sampling.steps), sampling)


def _stepped(scheduler: Any, sampling: Sampling) -> torch.Tensor:  # noqa: ANN401  untyped library
    fresh = "generator" in inspect.signature(scheduler.step).parameters
    given = {"generator": sampling.draw} if fresh else {}
    image: torch.Tensor = sampling.start * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        predicted = sampling.guess(scheduler.scale_model_input(image, time), time)
        image = scheduler.step(predicted, time, image, **given).prev_sample
    return image


def _ddim(sampling: Sampling) -> torch.Tensor:
    import torch  # noqa: PLC0415  slow to import

    scheduler = unet.scheduler(sampling.schedule)
    scheduler.set_timesteps(sampling.steps)
    image, eta, draw = sampling.start, sampling.eta, sampling.draw
    for time in scheduler.timesteps:
        predicted = sampling.guess(image, time)
        fresh = torch.randn(image.shape, generator=draw).to(image.device) if eta else None
        stepped = scheduler.step(predicted, time, image, eta=eta, variance_noise=fresh)
        image = stepped.prev_sample
    return image


def _made(sampler: Sampler, schedule: Mapping[str, Any], steps: int) -> Any:  # noqa: ANN401  untyped library
    import diffusers  # noqa: PLC0415  slow to import

    name, own = SCHEDULERS[sampler]
    scheduler = getattr(diffusers, name)(**{each: schedule[each] for each in COMMON}, **own)
    scheduler.set_timesteps(steps)
    return scheduler
