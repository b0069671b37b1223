"""Samplers of the diffusion generator: how noise becomes an image in a number of steps.

Each is a scheduler of diffusers on the schedule that the network was trained with. Of these, DDIM
(Song et al. 2021) takes a share of fresh noise, `eta`; the stochastic ones draw theirs from the
generator of the shard, so that a replay draws the same.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
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


def run(
    sampler: Sampler,
    schedule: Mapping[str, Any],
    *,
    steps: int,
    eta: float,
    start: torch.Tensor,
    draw: torch.Generator,
    guess: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Turn noise into images.

    Args:
        sampler: which one.
        schedule: as the manifest has it.
        steps: how many.
        eta: of DDIM, its share of fresh noise.
        start: standard Gaussian noise, [n, c, h, w], on the network's device.
        draw: of all further noise, on the processor.
        guess: what the network predicts of images at a time.
    """
    if sampler == DDIM:
        return _ddim(schedule, steps=steps, eta=eta, start=start, draw=draw, guess=guess)
    with warnings.catch_warnings():  # diffusers hands tensors to numpy in a way that ages
        warnings.simplefilter("ignore", DeprecationWarning)
        return _stepped(_made(sampler, schedule, steps), start, draw, guess)


def _stepped(
    scheduler: Any,  # noqa: ANN401  untyped library
    start: torch.Tensor,
    draw: torch.Generator,
    guess: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    fresh = "generator" in inspect.signature(scheduler.step).parameters
    given = {"generator": draw} if fresh else {}
    image: torch.Tensor = start * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        predicted = guess(scheduler.scale_model_input(image, time), time)
        image = scheduler.step(predicted, time, image, **given).prev_sample
    return image


def _ddim(
    schedule: Mapping[str, Any],
    *,
    steps: int,
    eta: float,
    start: torch.Tensor,
    draw: torch.Generator,
    guess: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    import torch  # noqa: PLC0415  slow to import

    scheduler = unet.scheduler(schedule)
    scheduler.set_timesteps(steps)
    image = start
    for time in scheduler.timesteps:
        predicted = guess(image, time)
        fresh = torch.randn(start.shape, generator=draw).to(start.device) if eta else None
        stepped = scheduler.step(predicted, time, image, eta=eta, variance_noise=fresh)
        image = stepped.prev_sample
    return image


def _made(sampler: Sampler, schedule: Mapping[str, Any], steps: int) -> Any:  # noqa: ANN401  untyped library
    import diffusers  # noqa: PLC0415  slow to import

    name, own = SCHEDULERS[sampler]
    scheduler = getattr(diffusers, name)(**{each: schedule[each] for each in COMMON}, **own)
    scheduler.set_timesteps(steps)
    return scheduler
