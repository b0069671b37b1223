"""Training of the diffusion generator.

v-prediction (Salimans & Ho 2022) on the squared-cosine schedule (Nichol & Dhariwal 2021), AdamW
with a one-cycle learning rate, averaged weights, and labels hidden now and then for classifier-free
guidance (Ho & Salimans 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.progress import announced
from pipelines.generators.diffusion import unet
from pipelines.generators.diffusion.settings import Fitting
from pipelines.generators.trained.tensors import TrainingData

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

BETAS: Final = (0.9, 0.99)
"""Of AdamW; a short training gains from a short memory of squared gradients."""
WEIGHT_DECAY: Final = 0.01
CLIP_NORM: Final = 1.0
WARM_UP: Final = 0.15
"""Share of the steps in which the learning rate rises."""


def train(
    network: Any,  # noqa: ANN401  untyped library
    data: TrainingData,
    settings: Fitting,
    steps: int,
    seed: int,
) -> Weights:
    """Optimise the network.

    Args:
        network: as `unet.build` made it, on its device.
        data: the training rows.
        settings: of the optimisation.
        steps: optimiser steps.
        seed: of batches, times and noise.

    Returns:
        The averaged weights.

    Raises:
        GeneratorError: the loss is no longer finite.
    """
    import torch  # noqa: PLC0415  slow to import

    from pipelines.generators.trained import optimising  # noqa: PLC0415  imports torch

    draw = torch.Generator().manual_seed(seed)
    scheduler = unet.scheduler(unet.schedule(settings.train_timesteps))
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps + 1, pct_start=WARM_UP
    )
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    for step in announced(range(steps), "fit", "steps"):
        loss = _loss(network, data, settings, scheduler, draw)
        fault = (
            f"the generator's loss is not finite at step {step + 1} of {steps}; "
            f"lower the learning_rate ({settings.learning_rate:g})"
        )
        optimising.descend(
            optimiser, loss, fault=fault, clipped=network.parameters(), norm=CLIP_NORM
        )
        rate.step()
        _average(averaged, network.state_dict(), min(settings.ema, (1 + step) / (10 + step)))
    return averaged


def _loss(
    network: Any,  # noqa: ANN401  untyped library
    data: TrainingData,
    settings: Fitting,
    scheduler: Any,  # noqa: ANN401  untyped library
    draw: torch.Generator,
) -> torch.Tensor:
    """Mean squared error of the predicted velocity on one batch drawn by weight."""
    import torch  # noqa: PLC0415  slow to import

    rows = torch.multinomial(data.weights, settings.batch, replacement=True, generator=draw)
    hidden = torch.rand(settings.batch, generator=draw) < settings.label_dropout
    nothing = (network.config.num_class_embeds or 1) - 1
    labels = torch.where(hidden, nothing, data.classes[rows])
    clean = data.images[rows]
    noise = torch.randn(clean.shape, generator=draw)
    times = _stratified_times(settings, draw)
    noisy = scheduler.add_noise(clean, noise, times)
    target = scheduler.get_velocity(clean, noise, times)
    noisy, times, labels, target = (
        each.to(network.device) for each in (noisy, times, labels, target)
    )
    guess = network(noisy, times, labels if network.config.num_class_embeds else None).sample
    return torch.nn.functional.mse_loss(guess, target)


def _stratified_times(settings: Fitting, draw: torch.Generator) -> torch.Tensor:
    """One time in each of `batch` equal slices of the schedule, so that batches differ less."""
    import torch  # noqa: PLC0415  slow to import

    slots = torch.arange(settings.batch) + torch.rand(settings.batch, generator=draw)
    times = (slots * (settings.train_timesteps / settings.batch)).long()
    return times.clamp(max=settings.train_timesteps - 1)


def _average(averaged: Weights, current: Mapping[str, torch.Tensor], decay: float) -> None:
    import torch  # noqa: PLC0415  slow to import

    averages = list(averaged.values())
    torch._foreach_lerp_(averages, [current[name] for name in averaged], 1 - decay)
