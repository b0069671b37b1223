"""Training of the GAN generator.

The hinge loss (Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018): the critic lifts scores of
real images above 1 and presses those of made ones below -1, the generator lifts the latter. Adam
without momentum (β = 0, 0.9), rates that fall to nothing over the second half, and weights of the
generator averaged over steps (arXiv 1806.04498).
"""

from __future__ import annotations

from typing import Final

import torch

from pipelines.common.progress import announced
from pipelines.generators.gan.augmentations import augmented
from pipelines.generators.gan.networks import Critic, Maker
from pipelines.generators.gan.settings import GanFit
from pipelines.generators.trained import optimising
from pipelines.generators.trained.tensors import TrainingData

BETAS: Final = (0.0, 0.9)
CONSTANT: Final = 0.5
"""Share of the steps in which the rates stay what they are."""


class Trainer:
    """Both networks at work."""

    def __init__(
        self, maker: Maker, critic: Critic, data: TrainingData, settings: GanFit, seed: int
    ) -> None:
        """Set up the optimisers; `seed` is of batches, noise and edits."""
        self.maker, self.critic, self.data, self.settings = maker, critic, data, settings
        self.draw = torch.Generator().manual_seed(seed)
        self.device = next(maker.parameters()).device
        self.of_maker = torch.optim.Adam(maker.parameters(), settings.learning_rate, BETAS)
        self.of_critic = torch.optim.Adam(critic.parameters(), settings.critic_rate, BETAS)

    def run(self, steps: int) -> dict[str, torch.Tensor]:
        """Train, and return the averaged weights of the generator.

        Raises:
            GeneratorError: a loss is no longer finite.
        """
        rates = [
            torch.optim.lr_scheduler.LambdaLR(each, lambda step: _rate(step, steps))
            for each in (self.of_maker, self.of_critic)
        ]
        averaged = {name: value.clone() for name, value in self.maker.state_dict().items()}
        for step in announced(range(steps), "fit", "steps"):
            for _ in range(self.settings.critic_steps):
                self._critic_step(step, steps)
            self._maker_step(step, steps)
            for rate in rates:
                rate.step()
            _average(averaged, self.maker, min(self.settings.ema, (1 + step) / (10 + step)))
        return averaged

    def _critic_step(self, step: int, steps: int) -> None:
        rows = torch.multinomial(
            self.data.weights, self.settings.batch, replacement=True, generator=self.draw
        )
        real, classes = (
            each[rows].to(self.device) for each in (self.data.images, self.data.classes)
        )
        with torch.no_grad():
            made = self.maker(self._noise(), classes)
        both = torch.cat([self._seen(real), self._seen(made)])
        of_real, of_made = self.critic(both, classes.repeat(2)).chunk(2)
        loss = torch.relu(1 - of_real).mean() + torch.relu(1 + of_made).mean()
        self._apply(self.of_critic, loss, step, steps)

    def _maker_step(self, step: int, steps: int) -> None:
        rows = torch.multinomial(
            self.data.weights, self.settings.batch, replacement=True, generator=self.draw
        )
        classes = self.data.classes[rows].to(self.device)
        self.critic.requires_grad_(requires_grad=False)
        loss = -self.critic(self._seen(self.maker(self._noise(), classes)), classes).mean()
        self._apply(self.of_maker, loss, step, steps)
        self.critic.requires_grad_(requires_grad=True)

    def _noise(self) -> torch.Tensor:
        shape = (self.settings.batch, self.settings.latent)
        return torch.randn(shape, generator=self.draw).to(self.device)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        return augmented(images, self.settings.edits(self.maker.sizes.size), self.draw)

    def _apply(
        self, optimiser: torch.optim.Optimizer, loss: torch.Tensor, step: int, steps: int
    ) -> None:
        fault = (
            f"a loss of the generator is not finite at step {step + 1} of {steps}; lower "
            f"learning_rate ({self.settings.learning_rate:g}) and critic_rate "
            f"({self.settings.critic_rate:g})"
        )
        optimising.descend(optimiser, loss, fault=fault)


def _rate(step: int, steps: int) -> float:
    """Share of the full rate at a step."""
    left = (steps - step) / max(steps * (1 - CONSTANT), 1)
    return min(1.0, max(left, 0.0))


def _average(averaged: dict[str, torch.Tensor], maker: Maker, decay: float) -> None:
    """Move averages towards the weights of now; counts of batches are taken as they are."""
    with torch.no_grad():
        for name, value in maker.state_dict().items():
            if value.is_floating_point():
                averaged[name].lerp_(value, 1 - decay)
            else:
                averaged[name].copy_(value)
